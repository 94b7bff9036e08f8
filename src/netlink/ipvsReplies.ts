/**
 * Decodes what IPVS answers, which has the same form as what it is asked: a listed service is a
 * NEW_SERVICE, a listed destination a NEW_DEST. Unknown attributes are skipped (newer kernels add
 * some); a missing identity is a DecodeError.
 */
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { familyFromNumber } from './addressFamily.ts';
import type { AttributeCursor } from './attributes.ts';
import { DecodeError } from '../net/bytes.ts';
import * as c from './constants.ts';
import { GENERIC_HEADER_BYTES } from './genl.ts';
import type {
  Counters,
  DestinationIdentity,
  IpvsDestination,
  IpvsService,
  IpvsVersion,
  ServiceIdentity,
  SyncDaemon,
  Timeouts,
  Tunnel,
} from './ipvs.ts';
import type { MessageCursor } from './message.ts';

/**
 * Whether counters are read: they are more than half of a reply, and a comparison of states has no
 * use for them.
 */
export type CounterChoice = 'with-counters' | 'without-counters';

/** What one nest of attributes yields, before it is known whether everything needed was there. */
type Partially<T> = { -readonly [K in keyof T]?: T[K] | undefined };

/** @param message a listed service, or any request that carries a service with its settings */
export function decodeService(message: MessageCursor, choice: CounterChoice): IpvsService {
  const identity = decodeServiceIdentity(message);
  const nest = serviceNest(message);
  const settings = { scheduler: '', flags: 0, timeoutSec: 0, netmask: 0 };
  let peName: string | undefined;
  let counters: Counters | undefined;
  while (nest.next()) {
    switch (nest.type) {
      case c.IPVS_SVC_ATTR_SCHED_NAME:
        settings.scheduler = nest.string();
        break;
      case c.IPVS_SVC_ATTR_FLAGS:
        settings.flags = nest.u32();
        break;
      case c.IPVS_SVC_ATTR_TIMEOUT:
        settings.timeoutSec = nest.u32();
        break;
      case c.IPVS_SVC_ATTR_NETMASK:
        settings.netmask = identity.family === 'IPv4' ? nest.u32be() : nest.u32();
        break;
      case c.IPVS_SVC_ATTR_PE_NAME:
        peName = nest.string();
        break;
      case c.IPVS_SVC_ATTR_STATS:
        if (choice === 'with-counters') counters ??= decodeCounters32(nest.nested());
        break;
      case c.IPVS_SVC_ATTR_STATS64:
        if (choice === 'with-counters') counters = decodeCounters64(nest.nested());
        break;
    }
  }
  return {
    ...identity,
    ...settings,
    ...(peName !== undefined && { peName }),
    ...(counters !== undefined && { counters }),
  };
}

/** The service of any message that names one. */
export function decodeServiceIdentity(message: MessageCursor): ServiceIdentity {
  const family = familyIn(serviceNest(message), c.IPVS_SVC_ATTR_AF);
  if (family === undefined) throw new DecodeError('service without an address family');
  const nest = serviceNest(message);
  let protocol: number | undefined;
  let address: Address | undefined;
  let port: number | undefined;
  while (nest.next()) {
    if (nest.type === c.IPVS_SVC_ATTR_FWMARK) return { family, fwmark: nest.u32() };
    if (nest.type === c.IPVS_SVC_ATTR_PROTOCOL) protocol = nest.u16();
    if (nest.type === c.IPVS_SVC_ATTR_ADDR) address = nest.address(family);
    if (nest.type === c.IPVS_SVC_ATTR_PORT) port = nest.u16be();
  }
  if (protocol === undefined || address === undefined || port === undefined) {
    throw new DecodeError('service with neither a mark nor protocol, address and port');
  }
  return { family, protocol, address, port };
}

/**
 * @param serviceFamily family of a destination that does not name its own (kernels before 3.18)
 */
export function decodeDestination(
  message: MessageCursor,
  serviceFamily: Family,
  choice: CounterChoice,
): IpvsDestination {
  const identity = decodeDestinationIdentity(message, serviceFamily);
  const nest = destinationNest(message);
  const settings = { forwarding: 0, weight: 0, upperThreshold: 0, lowerThreshold: 0 };
  const connections = { activeConnections: 0, inactiveConnections: 0, persistentConnections: 0 };
  const tunnel = { type: 0, port: 0, flags: 0 };
  let counters: Counters | undefined;
  while (nest.next()) {
    switch (nest.type) {
      case c.IPVS_DEST_ATTR_FWD_METHOD:
        settings.forwarding = nest.u32();
        break;
      case c.IPVS_DEST_ATTR_WEIGHT:
        settings.weight = nest.i32();
        break;
      case c.IPVS_DEST_ATTR_U_THRESH:
        settings.upperThreshold = nest.u32();
        break;
      case c.IPVS_DEST_ATTR_L_THRESH:
        settings.lowerThreshold = nest.u32();
        break;
      case c.IPVS_DEST_ATTR_ACTIVE_CONNS:
        connections.activeConnections = nest.u32();
        break;
      case c.IPVS_DEST_ATTR_INACT_CONNS:
        connections.inactiveConnections = nest.u32();
        break;
      case c.IPVS_DEST_ATTR_PERSIST_CONNS:
        connections.persistentConnections = nest.u32();
        break;
      case c.IPVS_DEST_ATTR_TUN_TYPE:
        tunnel.type = nest.u8();
        break;
      case c.IPVS_DEST_ATTR_TUN_PORT:
        tunnel.port = nest.u16be();
        break;
      case c.IPVS_DEST_ATTR_TUN_FLAGS:
        tunnel.flags = nest.u16();
        break;
      case c.IPVS_DEST_ATTR_STATS:
        if (choice === 'with-counters') counters ??= decodeCounters32(nest.nested());
        break;
      case c.IPVS_DEST_ATTR_STATS64:
        if (choice === 'with-counters') counters = decodeCounters64(nest.nested());
        break;
    }
  }
  return {
    ...identity,
    ...settings,
    ...connections,
    ...(isTunnel(tunnel) && { tunnel }),
    ...(counters !== undefined && { counters }),
  };
}

export function decodeDestinationIdentity(
  message: MessageCursor,
  serviceFamily: Family,
): DestinationIdentity {
  const family = familyIn(destinationNest(message), c.IPVS_DEST_ATTR_ADDR_FAMILY) ?? serviceFamily;
  const nest = destinationNest(message);
  let address: Address | undefined;
  let port: number | undefined;
  while (nest.next()) {
    if (nest.type === c.IPVS_DEST_ATTR_ADDR) address = nest.address(family);
    if (nest.type === c.IPVS_DEST_ATTR_PORT) port = nest.u16be();
    if (address !== undefined && port !== undefined) return { family, address, port };
  }
  throw new DecodeError('destination without an address or port');
}

function isTunnel({ type, port, flags }: Tunnel): boolean {
  return type !== 0 || port !== 0 || flags !== 0;
}

export function decodeDaemon(message: MessageCursor): SyncDaemon {
  const nest = topLevel(message, c.IPVS_CMD_ATTR_DAEMON, 'synchronisation daemon');
  const daemon: Partially<SyncDaemon> = {};
  while (nest.next()) {
    switch (nest.type) {
      case c.IPVS_DAEMON_ATTR_STATE:
        daemon.state = nest.u32();
        break;
      case c.IPVS_DAEMON_ATTR_MCAST_IFN:
        daemon.multicastInterface = nest.string();
        break;
      case c.IPVS_DAEMON_ATTR_SYNC_ID:
        daemon.syncId = nest.u32();
        break;
      case c.IPVS_DAEMON_ATTR_SYNC_MAXLEN:
        daemon.maxLength = nest.u16();
        break;
      case c.IPVS_DAEMON_ATTR_MCAST_GROUP:
        daemon.multicastGroup = nest.address('IPv4');
        break;
      case c.IPVS_DAEMON_ATTR_MCAST_GROUP6:
        daemon.multicastGroup = nest.address('IPv6');
        break;
      case c.IPVS_DAEMON_ATTR_MCAST_PORT:
        daemon.multicastPort = nest.u16();
        break;
      case c.IPVS_DAEMON_ATTR_MCAST_TTL:
        daemon.multicastTtl = nest.u8();
        break;
    }
  }
  const { state, multicastInterface = '', syncId = 0, ...rest } = daemon;
  if (state === undefined) throw new DecodeError('synchronisation daemon without a state');
  return { state, multicastInterface, syncId, ...(rest as Partial<SyncDaemon>) };
}

export function decodeTimeouts(message: MessageCursor): Timeouts {
  const timeouts = { tcpSec: 0, tcpFinSec: 0, udpSec: 0 };
  const attributes = message.attributes(GENERIC_HEADER_BYTES);
  while (attributes.next()) {
    if (attributes.type === c.IPVS_CMD_ATTR_TIMEOUT_TCP) timeouts.tcpSec = attributes.u32();
    if (attributes.type === c.IPVS_CMD_ATTR_TIMEOUT_TCP_FIN) timeouts.tcpFinSec = attributes.u32();
    if (attributes.type === c.IPVS_CMD_ATTR_TIMEOUT_UDP) timeouts.udpSec = attributes.u32();
  }
  return timeouts;
}

/** @param message the reply to GET_INFO, whose attributes have numbers of their own */
export function decodeVersion(message: MessageCursor): IpvsVersion {
  const found = { version: 0, connectionTableSize: 0 };
  const attributes = message.attributes(GENERIC_HEADER_BYTES);
  while (attributes.next()) {
    if (attributes.type === c.IPVS_INFO_ATTR_VERSION) found.version = attributes.u32();
    if (attributes.type === c.IPVS_INFO_ATTR_CONN_TAB_SIZE) {
      found.connectionTableSize = attributes.u32();
    }
  }
  return found;
}

function serviceNest(message: MessageCursor): AttributeCursor {
  return topLevel(message, c.IPVS_CMD_ATTR_SERVICE, 'service');
}

function destinationNest(message: MessageCursor): AttributeCursor {
  return topLevel(message, c.IPVS_CMD_ATTR_DEST, 'destination');
}

function topLevel(message: MessageCursor, type: number, what: string): AttributeCursor {
  const attributes = message.attributes(GENERIC_HEADER_BYTES);
  while (attributes.next()) {
    if (attributes.type === type) return attributes.nested();
  }
  throw new DecodeError(`message without a ${what}`);
}

/**
 * Looked for first: the length of an address depends on it, and nothing promises the order of
 * attributes.
 */
function familyIn(nest: AttributeCursor, type: number): Family | undefined {
  while (nest.next()) {
    if (nest.type === type) return familyFromNumber(nest.u16());
  }
  return undefined;
}

const NO_COUNTERS: Counters = {
  connections: 0n,
  inPackets: 0n,
  outPackets: 0n,
  inBytes: 0n,
  outBytes: 0n,
  connectionsPerSec: 0n,
  inPacketsPerSec: 0n,
  outPacketsPerSec: 0n,
  inBytesPerSec: 0n,
  outBytesPerSec: 0n,
};

/**
 * By attribute number; numbers beyond are padding, which some machines need before a 64-bit value.
 */
const COUNTER_NAMES: readonly (keyof Counters | undefined)[] = [
  undefined,
  ...(Object.keys(NO_COUNTERS) as (keyof Counters)[]),
];

function decodeCounters64(nest: AttributeCursor): Counters {
  return decodeCounters(nest, () => nest.u64());
}

/** Bytes are 64 bits wide here too. */
function decodeCounters32(nest: AttributeCursor): Counters {
  return decodeCounters(nest, (isBytes) => (isBytes ? nest.u64() : BigInt(nest.u32())));
}

function decodeCounters(nest: AttributeCursor, read: (isBytes: boolean) => bigint): Counters {
  const counters: { -readonly [K in keyof Counters]: bigint } = { ...NO_COUNTERS };
  while (nest.next()) {
    const name = COUNTER_NAMES[nest.type];
    if (name !== undefined) counters[name] = read(name === 'inBytes' || name === 'outBytes');
  }
  return counters;
}
