/**
 * Listings as values for `-o json` and `-o yaml`; docs/list.md describes them. Within one version
 * of the schema fields are only ever added. Unlike ipvsadm's table the counters of destinations are
 * whole, and unlike its columns everything is always there.
 */
import * as c from '../../netlink/constants.ts';
import type {
  Counters,
  IpvsDestination,
  IpvsService,
  IpvsVersion,
  SyncDaemon,
  Timeouts,
} from '../../netlink/ipvs.ts';
import { joinHostPort } from '../../net/address.ts';
import type { Connection } from './connections.ts';
import { type Owners, serviceName } from './owners.ts';
import {
  forwardingMethod,
  isOnePacket,
  isPersistent,
  maskText,
  schedulerFlags,
  TUNNEL_TYPES,
  tunnelOf,
} from './serviceText.ts';
import { type ListedService, versionText } from './table.ts';

export const LIST_SCHEMA = 'kube-ipvs.io/list/v1';

/** What stands in front of the list. */
export function listHead(version: IpvsVersion, owners: Owners | undefined) {
  return {
    schema: LIST_SCHEMA,
    kind: 'virtualServers',
    ipvs: { version: versionText(version), connectionTableSize: version.connectionTableSize },
    ...(owners !== undefined && { servicesFrom: owners.source }),
  };
}

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [6, 'TCP'],
  [17, 'UDP'],
  [132, 'SCTP'],
]);
const FORWARDING: readonly string[] = ['masquerade', 'local', 'tunnel', 'route', 'bypass'];
const CHECKSUMS: readonly string[] = ['none', 'local', 'remote'];

export function serverToJson(
  { service, destinations }: ListedService,
  owners: Owners | undefined,
): Record<string, unknown> {
  const owner = owners?.serviceOf(service);
  return {
    family: service.family,
    ...(service.fwmark === undefined
      ? {
          protocol: PROTOCOLS.get(service.protocol) ?? String(service.protocol),
          address: service.address,
          port: service.port,
        }
      : { fwmark: service.fwmark }),
    ...(owners !== undefined && { service: owner === undefined ? null : serviceName(owner) }),
    scheduler: service.scheduler,
    flags: flagNames(service),
    ...persistence(service),
    ...countersToJson(service.counters),
    destinations: destinations.map((one) => destinationToJson(service, one, owners)),
  };
}

function flagNames(service: IpvsService): string[] {
  const scheduler = schedulerFlags(service)?.split(',') ?? [];
  return [
    ...(isPersistent(service) ? ['persistent'] : []),
    ...(isOnePacket(service) ? ['one-packet'] : []),
    ...scheduler.filter((name) => name !== ''),
  ];
}

function persistence(service: IpvsService) {
  if (!isPersistent(service)) return {};
  const mask = maskText(service);
  return {
    persistenceTimeoutSec: service.timeoutSec,
    ...(mask !== undefined && {
      persistenceMask: service.family === 'IPv6' ? Number(mask) : mask,
    }),
    ...(service.peName !== undefined && { persistenceEngine: service.peName }),
  };
}

function destinationToJson(
  service: IpvsService,
  destination: IpvsDestination,
  owners: Owners | undefined,
) {
  const method = forwardingMethod(destination);
  return {
    address: destination.address,
    port: destination.port,
    ...ownerOf(service, destination, owners),
    forwarding: FORWARDING[method] ?? String(method),
    ...(method === c.IP_VS_CONN_F_TUNNEL && { tunnel: tunnelToJson(destination) }),
    weight: destination.weight,
    upperThreshold: destination.upperThreshold,
    lowerThreshold: destination.lowerThreshold,
    activeConnections: destination.activeConnections,
    inactiveConnections: destination.inactiveConnections,
    persistentConnections: destination.persistentConnections,
    ...countersToJson(destination.counters),
  };
}

function ownerOf(service: IpvsService, destination: IpvsDestination, owners: Owners | undefined) {
  if (owners === undefined) return {};
  const found = owners.endpointOf(service, destination);
  if (found === undefined) return { endpoint: null };
  const { endpoint, target, node } = found;
  return { endpoint, ...(target !== undefined && { target }), ...(node !== undefined && { node }) };
}

function tunnelToJson(destination: IpvsDestination) {
  const { type, port, flags } = tunnelOf(destination);
  const name = TUNNEL_TYPES[type] ?? String(type);
  return {
    type: name,
    ...(name === 'gue' && { port }),
    ...(name !== 'ipip' && { checksum: CHECKSUMS[flags] ?? String(flags) }),
  };
}

/** Numbers: exact up to 2^53, which is eight pebibytes. */
function countersToJson(counters: Counters | undefined) {
  if (counters === undefined) return {};
  return {
    counters: {
      connections: Number(counters.connections),
      inPackets: Number(counters.inPackets),
      outPackets: Number(counters.outPackets),
      inBytes: Number(counters.inBytes),
      outBytes: Number(counters.outBytes),
    },
    perSecond: {
      connections: Number(counters.connectionsPerSec),
      inPackets: Number(counters.inPacketsPerSec),
      outPackets: Number(counters.outPacketsPerSec),
      inBytes: Number(counters.inBytesPerSec),
      outBytes: Number(counters.outBytesPerSec),
    },
  };
}

export function timeoutsToJson({ tcpSec, tcpFinSec, udpSec }: Timeouts) {
  return { schema: LIST_SCHEMA, kind: 'timeouts', tcpSec, tcpFinSec, udpSec };
}

export function daemonsToJson(daemons: readonly SyncDaemon[]) {
  return {
    schema: LIST_SCHEMA,
    kind: 'daemons',
    daemons: daemons.map(({ state, ...rest }) => ({
      role: state === c.IP_VS_STATE_MASTER ? 'master' : 'backup',
      ...rest,
    })),
  };
}

export function connectionsToJson(connections: readonly Connection[]) {
  return {
    schema: LIST_SCHEMA,
    kind: 'connections',
    connections: connections.map(({ protocol, client, virtual, destination, ...rest }) => ({
      protocol,
      client: joinHostPort(client.address, client.port),
      virtual: joinHostPort(virtual.address, virtual.port),
      destination: joinHostPort(destination.address, destination.port),
      ...rest,
    })),
  };
}
