/**
 * A dataplane as text for people to review: virtual servers as `ipvsadm -Ln` lays them out, bound
 * addresses, sets that hold something, and what traffic from each kind of source meets at each
 * virtual server.
 */
import { compareEntries } from '../../../src/dataplane/setEntries.ts';
import type { DesiredState, IpSet, VirtualServer } from '../../../src/dataplane/state.ts';
import { destinationKey, serverKey } from '../../../src/dataplane/state.ts';
import type { HostNetwork } from '../../../src/model/host.ts';
import {
  type Address,
  compareAddresses,
  familyOf,
  joinHostPort,
} from '../../../src/net/address.ts';
import { type Problem, sentenceOf } from '../../../src/model/problem.ts';
import type { Packet, Verdict } from '../../../src/trace/packet.ts';
import { tracePacket } from '../../../src/trace/tracePacket.ts';

/** Where traffic comes from in every scenario; the default nodes.yaml and host.yaml match. */
const SOURCES: readonly {
  readonly name: string;
  readonly inInterface?: string;
  readonly IPv4: Address;
  readonly IPv6: Address;
}[] = [
  { name: 'pod here', inInterface: 'cni0', IPv4: '10.244.1.99', IPv6: 'fd00:244:1::99' },
  { name: 'pod elsewhere', inInterface: 'eth0', IPv4: '10.244.2.99', IPv6: 'fd00:244:2::99' },
  { name: 'this node', IPv4: '192.168.0.1', IPv6: 'fd00:168::1' },
  { name: 'outside', inInterface: 'eth0', IPv4: '203.0.113.9', IPv6: '2001:db8::9' },
];

export function dataplaneText(
  state: DesiredState,
  host: HostNetwork,
  problems: readonly Problem[],
): string {
  const servers = [...state.virtualServers.values()].toSorted(compareServers);
  return [
    section('virtual servers', servers.flatMap(serverLines)),
    section('addresses', [...state.addresses].toSorted(compareAddresses)),
    section('sets', setLines(state)),
    section(
      'traffic',
      servers.flatMap((server) => trafficLines(state, host, server)),
    ),
    section('problems', problems.map(problemLine)),
  ].join('');
}

/** Rules and sysctls, for the few scenarios that are about them. */
export function fixedText(state: DesiredState): string {
  const rules = Object.entries(state.iptables).flatMap(([family, tables]) =>
    Object.entries(tables).flatMap(([table, chains]) =>
      chains.size === 0 ? [] : [`# ${family} ${table}`, ...[...chains.values()].flat()],
    ),
  );
  const sysctls = Array.from(state.sysctls, ([name, value]) => `${name} = ${value}`);
  return section('rules', rules) + section('sysctls', sysctls);
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function serverLines(server: VirtualServer): string[] {
  const { address, port, protocol, scheduler, flags, persistenceTimeoutSec, service } = server;
  const words = [protocol, joinHostPort(address, port), scheduler, ...flags];
  if (persistenceTimeoutSec !== undefined) words.push(`${persistenceTimeoutSec}s`);
  return [
    `${words.join(' ')}  (${service})`,
    ...Array.from(server.destinations.values(), (destination) => {
      const where = destination.node === undefined ? '' : ` on ${destination.node}`;
      return `  -> ${destinationKey(destination)} weight ${destination.weight}  (${destination.endpoint}${where})`;
    }),
  ];
}

function setLines(state: DesiredState): string[] {
  return [...state.ipsets.values()]
    .filter(({ entries }) => entries.size > 0)
    .filter((set) => !isUnremarkable(set, state))
    .flatMap(({ name, entries }) => [
      name,
      ...[...entries].toSorted(compareEntries).map((entry) => `  ${entry}`),
    ]);
}

/**
 * Every node of the default nodes.yaml has this: said where it is otherwise, and where traffic is
 * dropped by it.
 */
const DEFAULT_INSIDE: ReadonlyMap<string, string> = new Map([
  ['KUBE-IPVS-INSIDE', '10.244.1.0/24'],
  ['KUBE-6-IPVS-INSIDE', 'fd00:244:1::/64'],
]);

function isUnremarkable({ name, entries }: IpSet, state: DesiredState): boolean {
  const isDefault = DEFAULT_INSIDE.get(name) === [...entries].join();
  return isDefault && state.ipsets.get(name.replace('INSIDE', 'DROP'))?.entries.size === 0;
}

/** One line for all sources that fare alike. */
function trafficLines(state: DesiredState, host: HostNetwork, server: VirtualServer): string[] {
  const nodeAddresses = new Set(
    host.interfaces.flatMap(({ addresses }) => addresses.map((text) => text.split('/')[0]!)),
  );
  const byVerdict = Map.groupBy(SOURCES, (source) => {
    const packet: Packet = {
      source: source[familyOf(server.address)],
      destination: server.address,
      protocol: server.protocol,
      port: server.port,
      ...(source.inInterface === undefined ? {} : { inInterface: source.inInterface }),
    };
    return verdictText(tracePacket(state, nodeAddresses, packet));
  });
  return Array.from(
    byVerdict,
    ([verdict, sources]) =>
      `${serverKey(server)} from ${sources.map(({ name }) => name).join(', ')}: ${verdict}`,
  );
}

export function verdictText(verdict: Verdict): string {
  if (verdict.kind !== 'endpoints') return verdict.kind;
  return verdict.endpoints
    .map(({ endpoint, isMasqueraded }) => `${endpoint}${isMasqueraded ? ' masqueraded' : ''}`)
    .join(' | ');
}

function problemLine(problem: Problem): string {
  return `${problem.path} = ${JSON.stringify(problem.value)}: ${sentenceOf(problem)}`;
}

function compareServers(a: VirtualServer, b: VirtualServer): number {
  return (
    compareAddresses(a.address, b.address) || a.port - b.port || (a.protocol < b.protocol ? -1 : 1)
  );
}
