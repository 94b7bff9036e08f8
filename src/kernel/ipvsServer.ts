/**
 * Virtual servers and destinations between our terms (dataplane/state.ts) and IPVS' own
 * (netlink/ipvs.ts), and the judgement what of the kernel's has the form of ours: servers of TCP,
 * UDP or SCTP on an address, destinations that are masqueraded.
 */
import type {
  Destination,
  DestinationKey,
  ServerFlag,
  ServerKey,
  VirtualServer,
} from '../dataplane/state.ts';
import { destinationKey } from '../dataplane/state.ts';
import { familyOf, joinHostPort } from '../net/address.ts';
import { isProtocol, PROTOCOL_NUMBER, protocolFromNumber } from '../net/family.ts';
import * as c from '../netlink/constants.ts';
import {
  type AddressServiceIdentity,
  type DestinationRequest,
  hostNetmask,
  type IpvsDestination,
  type IpvsService,
  type ServiceRequest,
} from '../netlink/ipvs.ts';
import type { ServerSpec } from '../dataplane/operations.ts';

export function identityOf(server: Pick<VirtualServer, 'address' | 'port' | 'protocol'>) {
  const { address, port, protocol } = server;
  return { family: familyOf(address), protocol: PROTOCOL_NUMBER[protocol], address, port };
}

/** @returns undefined for a text that {@link serverKey} did not make */
export function identityOfKey(key: ServerKey): AddressServiceIdentity | undefined {
  const match = /^\[?([0-9a-f.:]+?)\]?:(\d+)\/(\w+)$/.exec(key);
  const [, address, port, protocol] = match ?? [];
  if (address === undefined || !isProtocol(protocol)) return undefined;
  return identityOf({ address, port: Number(port), protocol });
}

export function toServiceRequest(server: ServerSpec): ServiceRequest {
  const identity = identityOf(server);
  return {
    ...identity,
    scheduler: server.scheduler,
    flags: server.flags.reduce((bits, flag) => bits | FLAG_BIT[flag], 0),
    timeoutSec: server.persistenceTimeoutSec ?? 0,
    netmask: hostNetmask(identity.family),
  };
}

export function toDestinationRequest(destination: Destination): DestinationRequest {
  const { address, port, weight } = destination;
  return {
    family: familyOf(address),
    address,
    port,
    forwarding: c.IP_VS_CONN_F_MASQ,
    weight,
    upperThreshold: 0,
    lowerThreshold: 0,
  };
}

/**
 * What of a service of the kernel can be ours in form, and what cannot, named by its key where it
 * has one.
 */
export interface ReadServer {
  readonly server?: VirtualServer;
  /** the service, or destinations of it: see {@link ActualState.foreignServers} */
  readonly foreign: readonly string[];
}

/**
 * A service is somebody else's when it has destinations and none is masqueraded; of a mixed one the
 * others are.
 */
export function readServer(
  service: IpvsService,
  destinations: readonly IpvsDestination[],
): ReadServer {
  const { family } = service;
  if (service.fwmark !== undefined) return { foreign: [`fwmark:${service.fwmark}/${family}`] };
  const { address, port } = service;
  const protocol = protocolFromNumber(service.protocol);
  const at = joinHostPort(address, port);
  if (protocol === undefined) return { foreign: [`${at}/protocol-${service.protocol}`] };
  const masqueraded = destinations.filter(isMasqueraded);
  const key = `${at}/${protocol}`;
  if (destinations.length > 0 && masqueraded.length === 0) return { foreign: [key] };
  const { scheduler, timeoutSec } = service;
  const flags = flagNames(service.flags, scheduler);
  return {
    server: {
      address,
      port,
      protocol,
      scheduler,
      flags,
      ...(flags.includes('persistent') && { persistenceTimeoutSec: timeoutSec }),
      destinations: byKey(masqueraded),
    },
    foreign: destinations
      .filter((one) => !isMasqueraded(one))
      .map((one) => `${key} -> ${joinHostPort(one.address, one.port)}`),
  };
}

function isMasqueraded(destination: IpvsDestination): boolean {
  return (destination.forwarding & c.IP_VS_CONN_F_FWD_MASK) === c.IP_VS_CONN_F_MASQ;
}

function byKey(destinations: readonly IpvsDestination[]): Map<DestinationKey, Destination> {
  return new Map(
    destinations.map(({ address, port, weight }) => {
      const destination = { address, port, weight };
      return [destinationKey(destination), destination];
    }),
  );
}

/** @returns sorted; HASHED, which the kernel adds by itself, is left out */
export function flagNames(bits: number, scheduler: string): readonly ServerFlag[] {
  const flags: ServerFlag[] = [];
  if ((bits & c.IP_VS_SVC_F_PERSISTENT) !== 0) flags.push('persistent');
  if ((bits & c.IP_VS_SVC_F_ONEPACKET) !== 0) flags.push('one-packet');
  const own = scheduler === 'sh' || scheduler === 'mh' ? scheduler : undefined;
  if ((bits & c.IP_VS_SVC_F_SCHED1) !== 0) flags.push(own ? `${own}-fallback` : 'flag-1');
  if ((bits & c.IP_VS_SVC_F_SCHED2) !== 0) flags.push(own ? `${own}-port` : 'flag-2');
  if ((bits & c.IP_VS_SVC_F_SCHED3) !== 0) flags.push('flag-3');
  return flags.toSorted();
}

const FLAG_BIT: Readonly<Record<ServerFlag, number>> = {
  persistent: c.IP_VS_SVC_F_PERSISTENT,
  'one-packet': c.IP_VS_SVC_F_ONEPACKET,
  'sh-fallback': c.IP_VS_SVC_F_SCHED1,
  'mh-fallback': c.IP_VS_SVC_F_SCHED1,
  'flag-1': c.IP_VS_SVC_F_SCHED1,
  'sh-port': c.IP_VS_SVC_F_SCHED2,
  'mh-port': c.IP_VS_SVC_F_SCHED2,
  'flag-2': c.IP_VS_SVC_F_SCHED2,
  'flag-3': c.IP_VS_SVC_F_SCHED3,
};
