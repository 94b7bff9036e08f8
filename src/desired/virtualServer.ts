/**
 * One IPVS virtual server as kube-proxy would set it up: scheduler, flags, affinity, and one NAT
 * destination an endpoint.
 */
import type { Endpoint, ServicePort } from '../model/servicePort.ts';
import type { Address } from '../net/address.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';
import {
  type Destination,
  type DestinationKey,
  type ServerFlag,
  type VirtualServer,
  destinationKey,
} from '../dataplane/state.ts';

const NO_FLAGS: readonly ServerFlag[] = [];
const PERSISTENT: ServerFlag = 'persistent';

/**
 * Sorted. Fallback: both keep an endpoint in their table while it drains, and without it refuse the
 * new connections that hash to it (kubernetes issue 139497). Port: Maglev hashes the client's port
 * too, or all connections of a client would meet one endpoint.
 */
const SCHEDULER_FLAGS: Readonly<Partial<Record<string, readonly ServerFlag[]>>> = {
  mh: ['mh-fallback', 'mh-port'],
  sh: ['sh-fallback'],
};

export function virtualServer(
  address: Address,
  portNumber: number,
  port: ServicePort,
  destinations: VirtualServer['destinations'],
  options: Pick<DataplaneOptions, 'scheduler'>,
): VirtualServer {
  const { affinityTimeoutSec } = port.policy;
  const ofScheduler = SCHEDULER_FLAGS[options.scheduler] ?? NO_FLAGS;
  return {
    address,
    port: portNumber,
    protocol: port.protocol,
    scheduler: options.scheduler,
    flags: affinityTimeoutSec === undefined ? ofScheduler : [...ofScheduler, PERSISTENT].toSorted(),
    ...(affinityTimeoutSec === undefined ? {} : { persistenceTimeoutSec: affinityTimeoutSec }),
    service: port.label,
    destinations,
  };
}

/** @param endpoints already chosen; the first of two with one `address:port` counts */
export function destinationsOf(
  endpoints: readonly Endpoint[],
  isPossible: (endpoint: Endpoint) => boolean,
): ReadonlyMap<DestinationKey, Destination> {
  const byKey = new Map<DestinationKey, Destination>();
  for (const endpoint of endpoints) {
    if (!isPossible(endpoint)) continue;
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
    sameDestinations(a.destinations, b.destinations)
  );
}

function sameDestinations(
  a: VirtualServer['destinations'],
  b: VirtualServer['destinations'],
): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  const others = b.values();
  for (const left of a.values()) {
    if (!sameDestination(left, others.next().value!)) return false;
  }
  return true;
}

function sameDestination(a: Destination, b: Destination): boolean {
  return (
    a === b ||
    (a.address === b.address &&
      a.port === b.port &&
      a.weight === b.weight &&
      a.endpoint === b.endpoint &&
      a.target === b.target &&
      a.node === b.node)
  );
}
