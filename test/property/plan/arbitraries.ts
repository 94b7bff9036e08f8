/**
 * Random small clusters, compiled to a dataplane in the simplest consistent way: what the plan's
 * properties are tried on.
 */
import * as fc from 'fast-check';
import type {
  ActualState,
  DesiredState,
  Destination,
  IpSet,
  IpSetType,
  VirtualServer,
} from '../../../src/dataplane/state.ts';
import { destinationKey, serverKey } from '../../../src/dataplane/state.ts';
import type { Touched } from '../../../src/dataplane/touched.ts';

interface Port {
  readonly address: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly scheduler: string;
  readonly isPersistent: boolean;
  readonly service: string;
  readonly nodePort: number;
  readonly weights: readonly (0 | 1 | undefined)[];
}

export const NODE_ADDRESS = '192.0.2.1';

const port: fc.Arbitrary<Port> = fc.record({
  address: fc.constantFrom('10.96.0.1', '10.96.0.2', '10.96.0.10', 'fd00::1', 'fd00::2'),
  port: fc.constantFrom(53, 80, 443),
  protocol: fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const),
  scheduler: fc.constantFrom('rr', 'wlc', 'dh'),
  isPersistent: fc.boolean(),
  service: fc.constantFrom(
    'default/kubernetes:https',
    'kube-system/kube-dns:dns',
    'shop/web:a',
    'b/c',
  ),
  nodePort: fc.constantFrom(0, 0, 30_080, 30_081),
  weights: fc.array(fc.constantFrom(undefined, 0 as const, 1 as const), { maxLength: 4 }),
});

/** At least one port of a critical Service is likely, and several ports often share an address. */
export const desiredState: fc.Arbitrary<DesiredState> = fc
  .array(port, { maxLength: 12 })
  .map(compile);

function compile(ports: readonly Port[]): DesiredState {
  const servers = ports.flatMap((each) => {
    const own = serverOf(each, each.address, each.port);
    if (each.nodePort === 0 || each.address.includes(':')) return [own];
    return [own, serverOf(each, NODE_ADDRESS, each.nodePort)];
  });
  const virtualServers = new Map(servers.map((server) => [serverKey(server), server]));
  const addresses = new Set(ports.map(({ address }) => address));
  return {
    virtualServers,
    addresses,
    ipsets: setsOf([...virtualServers.values()]),
    iptables: { IPv4: rules('KUBE-'), IPv6: rules('KUBE-6-') },
    sysctls: new Map([['net/ipv4/ip_forward', '1']]),
  };
}

function serverOf(from: Port, address: string, portNumber: number): VirtualServer {
  const destinations = from.weights.flatMap((weight, i): Destination[] =>
    weight === undefined ? [] : [{ address: endpointOf(address, i), port: 8080, weight }],
  );
  return {
    address,
    port: portNumber,
    protocol: from.protocol,
    scheduler: from.scheduler,
    flags: from.isPersistent ? ['persistent'] : [],
    ...(from.isPersistent ? { persistenceTimeoutSec: 10_800 } : {}),
    service: from.service,
    destinations: new Map(destinations.map((each) => [destinationKey(each), each])),
  };
}

function endpointOf(address: string, i: number): string {
  return address.includes(':') ? `fd01::${i + 1}` : `10.244.0.${i + 1}`;
}

function setsOf(servers: readonly VirtualServer[]): Map<string, IpSet> {
  const sets = new Map<string, IpSet & { entries: Set<string> }>();
  for (const family of ['IPv4', 'IPv6'] as const) {
    const prefix = family === 'IPv4' ? 'KUBE-' : 'KUBE-6-';
    const make = (name: string, type: IpSetType) =>
      sets.set(prefix + name, {
        name: prefix + name,
        type,
        family,
        entries: new Set(),
        ...(type === 'bitmap:port' ? {} : { maxElements: 65_536 }),
      });
    make('CLUSTER-IP', 'hash:ip,port');
    make('IPVS-IPS', 'hash:ip');
    make('NODE-PORT-TCP', 'bitmap:port');
  }
  for (const server of servers) {
    const prefix = server.address.includes(':') ? 'KUBE-6-' : 'KUBE-';
    if (server.address === NODE_ADDRESS) {
      sets.get(`${prefix}NODE-PORT-TCP`)!.entries.add(String(server.port));
      continue;
    }
    sets.get(`${prefix}CLUSTER-IP`)!.entries.add(entryOf(server));
    sets.get(`${prefix}IPVS-IPS`)!.entries.add(server.address);
  }
  return sets;
}

export function entryOf(server: VirtualServer): string {
  return `${server.address},${server.protocol.toLowerCase()}:${server.port}`;
}

function rules(prefix: string) {
  return {
    nat: new Map([
      [
        'KUBE-SERVICES',
        [`-A KUBE-SERVICES -m set --match-set ${prefix}CLUSTER-IP dst,dst -j ACCEPT`],
      ],
      ['PREROUTING', ['-A PREROUTING -j KUBE-SERVICES']],
    ]),
    filter: new Map([
      [
        'KUBE-IPVS-FILTER',
        [`-A KUBE-IPVS-FILTER -m set --match-set ${prefix}IPVS-IPS dst -j REJECT`],
      ],
      ['INPUT', ['-A INPUT -j KUBE-IPVS-FILTER', '-A INPUT -j KUBE-NODE-PORT']],
    ]),
  };
}

/** A kernel that holds exactly this: it does not know whose the virtual servers are. */
export function actualOf(state: DesiredState): ActualState {
  return {
    ...state,
    virtualServers: withoutNames(state),
    hasDummyDevice: true,
    foreignServers: [],
    unknown: new Map(),
    unconfirmed: new Map(),
  };
}

export function withoutNames(state: DesiredState): Map<string, VirtualServer> {
  const servers = [...state.virtualServers].map(([key, server]) => {
    const { service: _, ...rest } = server;
    return [key, rest] as const;
  });
  return new Map(servers);
}

/** Every key of Services in which two desired states differ. */
export function touchedBetween(before: DesiredState, after: DesiredState): Touched {
  const servers = new Set([...before.virtualServers.keys(), ...after.virtualServers.keys()]);
  const entries = new Map<string, Set<string>>();
  for (const [name, set] of after.ipsets) {
    const changed = changedIn(before.ipsets.get(name)!.entries, set.entries);
    if (changed.size > 0) entries.set(name, changed);
  }
  return {
    servers,
    addresses: changedIn(before.addresses, after.addresses),
    entries,
  };
}

function changedIn(before: ReadonlySet<string>, after: ReadonlySet<string>): Set<string> {
  return new Set([...before, ...after].filter((key) => before.has(key) !== after.has(key)));
}
