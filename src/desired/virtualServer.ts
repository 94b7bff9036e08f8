/** One IPVS virtual server as kube-proxy would set it up: scheduler, flags, affinity, and one NAT destination an endpoint. */
import type { Endpoint, ServicePort } from '../model/servicePort.ts';
import type { Address } from '../net/address.ts';
import type { DataplaneOptions } from './options.ts';
import {
  type Destination,
  type DestinationKey,
  type ServerFlag,
  type VirtualServer,
  destinationKey,
} from './state.ts';

/** @param endpoints already chosen; the first of two with one `address:port` counts */
export function virtualServer(
  address: Address,
  portNumber: number,
  port: ServicePort,
  endpoints: readonly Endpoint[],
  options: Pick<DataplaneOptions, 'scheduler'>,
): VirtualServer {
  const flags: ServerFlag[] = [];
  // Maglev hashes the client's port too, or all connections of a client would meet one endpoint
  if (options.scheduler === 'mh') flags.push('mh-port');
  if (port.affinityTimeoutSec !== undefined) flags.push('persistent');
  return {
    address,
    port: portNumber,
    protocol: port.protocol,
    scheduler: options.scheduler,
    flags,
    ...(port.affinityTimeoutSec === undefined
      ? {}
      : { persistenceTimeoutSec: port.affinityTimeoutSec }),
    service: port.label,
    destinations: destinations(endpoints),
  };
}

function destinations(endpoints: readonly Endpoint[]): ReadonlyMap<DestinationKey, Destination> {
  const byKey = new Map<DestinationKey, Destination>();
  for (const endpoint of endpoints) {
    const key = destinationKey(endpoint);
    if (byKey.has(key)) continue;
    byKey.set(key, {
      address: endpoint.address,
      port: endpoint.port,
      weight: 1,
      endpoint: endpoint.source,
      ...(endpoint.target === undefined ? {} : { target: endpoint.target }),
      ...(endpoint.nodeName === undefined ? {} : { node: endpoint.nodeName }),
    });
  }
  return byKey;
}

/** Equal in all that a reader of the state can see, order of destinations included. */
export function sameVirtualServer(a: VirtualServer, b: VirtualServer): boolean {
  return (
    a.address === b.address &&
    a.port === b.port &&
    a.protocol === b.protocol &&
    a.scheduler === b.scheduler &&
    a.flags.join() === b.flags.join() &&
    a.persistenceTimeoutSec === b.persistenceTimeoutSec &&
    a.service === b.service &&
    sameDestinations([...a.destinations.values()], [...b.destinations.values()])
  );
}

function sameDestinations(a: readonly Destination[], b: readonly Destination[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((left, i) => {
    const right = b[i]!;
    return (
      left.address === right.address &&
      left.port === right.port &&
      left.weight === right.weight &&
      left.endpoint === right.endpoint &&
      left.target === right.target &&
      left.node === right.node
    );
  });
}
