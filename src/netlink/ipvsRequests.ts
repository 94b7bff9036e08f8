/**
 * Encodes every IPVS command. Each function appends one whole message, so that a batch is one
 * buffer; the head's type is the family's number, its flags and sequence are the caller's.
 * NLM_F_CREATE, EXCL and REPLACE must not be among them.
 */
import { familyNumber } from './addressFamily.ts';
import {
  beginAttribute,
  endAttribute,
  putAddress,
  putI32,
  putString,
  putU16,
  putU16be,
  putU32,
  putU32be,
  putU64,
  putU8,
} from './attributes.ts';
import type { ByteWriter } from '../net/bytes.ts';
import * as c from './constants.ts';
import { beginGeneric } from './genl.ts';
import type {
  Counters,
  DestinationIdentity,
  DestinationRequest,
  DestinationSettings,
  IpvsDestination,
  IpvsService,
  IpvsVersion,
  ServiceIdentity,
  ServiceRequest,
  SyncDaemon,
  Timeouts,
} from './ipvs.ts';
import { endMessage, type MessageHead } from './message.ts';

const ALL_FLAGS = 0xffff_ffff;
const ADDRESS_FIELD_BYTES = 16;
const U32_MASK = 0xffff_ffffn;

export function encodeNewService(out: ByteWriter, head: MessageHead, service: ServiceRequest) {
  putServiceMessage(out, head, c.IPVS_CMD_NEW_SERVICE, service);
}

/** Replaces every setting: timeout, mask and flags too. */
export function encodeSetService(out: ByteWriter, head: MessageHead, service: ServiceRequest) {
  putServiceMessage(out, head, c.IPVS_CMD_SET_SERVICE, service);
}

export function encodeDeleteService(out: ByteWriter, head: MessageHead, service: ServiceIdentity) {
  putIdentityMessage(out, head, c.IPVS_CMD_DEL_SERVICE, service);
}

/** One service; for all of them {@link encodeDumpServices}. */
export function encodeGetService(out: ByteWriter, head: MessageHead, service: ServiceIdentity) {
  putIdentityMessage(out, head, c.IPVS_CMD_GET_SERVICE, service);
}

/** @param head flags with NLM_F_DUMP */
export function encodeDumpServices(out: ByteWriter, head: MessageHead) {
  putBareMessage(out, head, c.IPVS_CMD_GET_SERVICE);
}

export function encodeNewDestination(
  out: ByteWriter,
  head: MessageHead,
  service: ServiceIdentity,
  destination: DestinationRequest,
) {
  putDestinationMessage(out, head, c.IPVS_CMD_NEW_DEST, service, destination);
}

export function encodeSetDestination(
  out: ByteWriter,
  head: MessageHead,
  service: ServiceIdentity,
  destination: DestinationRequest,
) {
  putDestinationMessage(out, head, c.IPVS_CMD_SET_DEST, service, destination);
}

export function encodeDeleteDestination(
  out: ByteWriter,
  head: MessageHead,
  service: ServiceIdentity,
  destination: DestinationIdentity,
) {
  const start = beginGeneric(out, head, c.IPVS_CMD_DEL_DEST);
  putService(out, service);
  const nest = beginAttribute(out, c.IPVS_CMD_ATTR_DEST);
  putDestinationIdentity(out, destination);
  endAttribute(out, nest);
  endMessage(out, start);
}

/** The kernel answers an unknown service with an empty list. @param head flags with NLM_F_DUMP */
export function encodeDumpDestinations(
  out: ByteWriter,
  head: MessageHead,
  service: ServiceIdentity,
) {
  putIdentityMessage(out, head, c.IPVS_CMD_GET_DEST, service);
}

export function encodeNewDaemon(out: ByteWriter, head: MessageHead, daemon: SyncDaemon) {
  const start = beginGeneric(out, head, c.IPVS_CMD_NEW_DAEMON);
  const nest = beginAttribute(out, c.IPVS_CMD_ATTR_DAEMON);
  putU32(out, c.IPVS_DAEMON_ATTR_STATE, daemon.state);
  putString(out, c.IPVS_DAEMON_ATTR_MCAST_IFN, daemon.multicastInterface);
  putU32(out, c.IPVS_DAEMON_ATTR_SYNC_ID, daemon.syncId);
  if (daemon.maxLength !== undefined) {
    putU16(out, c.IPVS_DAEMON_ATTR_SYNC_MAXLEN, daemon.maxLength);
  }
  if (daemon.multicastGroup !== undefined) putGroup(out, daemon.multicastGroup);
  if (daemon.multicastPort !== undefined) {
    putU16(out, c.IPVS_DAEMON_ATTR_MCAST_PORT, daemon.multicastPort);
  }
  if (daemon.multicastTtl !== undefined) {
    putU8(out, c.IPVS_DAEMON_ATTR_MCAST_TTL, daemon.multicastTtl);
  }
  endAttribute(out, nest);
  endMessage(out, start);
}

function putGroup(out: ByteWriter, group: string): void {
  const type = group.includes(':')
    ? c.IPVS_DAEMON_ATTR_MCAST_GROUP6
    : c.IPVS_DAEMON_ATTR_MCAST_GROUP;
  putAddress(out, type, group);
}

export function encodeDeleteDaemon(
  out: ByteWriter,
  head: MessageHead,
  daemon: Pick<SyncDaemon, 'state'>,
) {
  const start = beginGeneric(out, head, c.IPVS_CMD_DEL_DAEMON);
  const nest = beginAttribute(out, c.IPVS_CMD_ATTR_DAEMON);
  putU32(out, c.IPVS_DAEMON_ATTR_STATE, daemon.state);
  endAttribute(out, nest);
  endMessage(out, start);
}

/** @param head flags with NLM_F_DUMP */
export function encodeDumpDaemons(out: ByteWriter, head: MessageHead) {
  putBareMessage(out, head, c.IPVS_CMD_GET_DAEMON);
}

export function encodeSetTimeouts(out: ByteWriter, head: MessageHead, timeouts: Timeouts) {
  const start = beginGeneric(out, head, c.IPVS_CMD_SET_CONFIG);
  putU32(out, c.IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcpSec);
  putU32(out, c.IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcpFinSec);
  putU32(out, c.IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udpSec);
  endMessage(out, start);
}

export function encodeGetTimeouts(out: ByteWriter, head: MessageHead) {
  putBareMessage(out, head, c.IPVS_CMD_GET_CONFIG);
}

export function encodeGetVersion(out: ByteWriter, head: MessageHead) {
  putBareMessage(out, head, c.IPVS_CMD_GET_INFO);
}

/** What the kernel answers to {@link encodeGetVersion}; tests play the kernel with it. */
export function encodeVersion(out: ByteWriter, head: MessageHead, version: IpvsVersion) {
  const start = beginGeneric(out, head, c.IPVS_CMD_SET_INFO);
  putU32(out, c.IPVS_INFO_ATTR_VERSION, version.version);
  putU32(out, c.IPVS_INFO_ATTR_CONN_TAB_SIZE, version.connectionTableSize);
  endMessage(out, start);
}

/** @param service absent = the counters of everything */
export function encodeZero(out: ByteWriter, head: MessageHead, service?: ServiceIdentity) {
  if (service === undefined) putBareMessage(out, head, c.IPVS_CMD_ZERO);
  else putIdentityMessage(out, head, c.IPVS_CMD_ZERO, service);
}

/**
 * Removes every service; adding them again afterwards is slow (quadratic), so this is for an
 * operator's command only.
 */
export function encodeFlush(out: ByteWriter, head: MessageHead) {
  putBareMessage(out, head, c.IPVS_CMD_FLUSH);
}

function putBareMessage(out: ByteWriter, head: MessageHead, command: number): void {
  endMessage(out, beginGeneric(out, head, command));
}

function putIdentityMessage(
  out: ByteWriter,
  head: MessageHead,
  command: number,
  service: ServiceIdentity,
): void {
  const start = beginGeneric(out, head, command);
  putService(out, service);
  endMessage(out, start);
}

function putServiceMessage(
  out: ByteWriter,
  head: MessageHead,
  command: number,
  service: IpvsService,
): void {
  const start = beginGeneric(out, head, command);
  putService(out, service, service);
  endMessage(out, start);
}

function putDestinationMessage(
  out: ByteWriter,
  head: MessageHead,
  command: number,
  service: ServiceIdentity,
  destination: DestinationRequest | IpvsDestination,
): void {
  const start = beginGeneric(out, head, command);
  putService(out, service);
  const nest = beginAttribute(out, c.IPVS_CMD_ATTR_DEST);
  putDestinationIdentity(out, destination);
  putDestinationSettings(out, destination);
  if ('activeConnections' in destination) {
    putU32(out, c.IPVS_DEST_ATTR_ACTIVE_CONNS, destination.activeConnections);
    putU32(out, c.IPVS_DEST_ATTR_INACT_CONNS, destination.inactiveConnections);
    putU32(out, c.IPVS_DEST_ATTR_PERSIST_CONNS, destination.persistentConnections);
    if (destination.counters !== undefined) {
      putCounters(out, c.IPVS_DEST_ATTR_STATS, c.IPVS_DEST_ATTR_STATS64, destination.counters);
    }
  }
  endAttribute(out, nest);
  endMessage(out, start);
}

function putService(out: ByteWriter, identity: ServiceIdentity, service?: IpvsService): void {
  const nest = beginAttribute(out, c.IPVS_CMD_ATTR_SERVICE);
  putU16(out, c.IPVS_SVC_ATTR_AF, familyNumber(identity.family));
  if (identity.fwmark !== undefined) {
    putU32(out, c.IPVS_SVC_ATTR_FWMARK, identity.fwmark);
  } else {
    putU16(out, c.IPVS_SVC_ATTR_PROTOCOL, identity.protocol);
    putAddressField(out, c.IPVS_SVC_ATTR_ADDR, identity.address);
    putU16be(out, c.IPVS_SVC_ATTR_PORT, identity.port);
  }
  if (service !== undefined) {
    putServiceSettings(out, service);
    if (service.counters !== undefined) {
      putCounters(out, c.IPVS_SVC_ATTR_STATS, c.IPVS_SVC_ATTR_STATS64, service.counters);
    }
  }
  endAttribute(out, nest);
}

function putServiceSettings(out: ByteWriter, service: ServiceRequest): void {
  putString(out, c.IPVS_SVC_ATTR_SCHED_NAME, service.scheduler);
  if (service.peName !== undefined) putString(out, c.IPVS_SVC_ATTR_PE_NAME, service.peName);
  const flags = beginAttribute(out, c.IPVS_SVC_ATTR_FLAGS);
  out.u32(service.flags);
  out.u32(ALL_FLAGS);
  endAttribute(out, flags);
  putU32(out, c.IPVS_SVC_ATTR_TIMEOUT, service.timeoutSec);
  if (service.family === 'IPv4') putU32be(out, c.IPVS_SVC_ATTR_NETMASK, service.netmask);
  else putU32(out, c.IPVS_SVC_ATTR_NETMASK, service.netmask);
}

function putDestinationIdentity(out: ByteWriter, destination: DestinationIdentity): void {
  putU16(out, c.IPVS_DEST_ATTR_ADDR_FAMILY, familyNumber(destination.family));
  putAddressField(out, c.IPVS_DEST_ATTR_ADDR, destination.address);
  putU16be(out, c.IPVS_DEST_ATTR_PORT, destination.port);
}

function putDestinationSettings(out: ByteWriter, destination: DestinationSettings): void {
  putU32(out, c.IPVS_DEST_ATTR_FWD_METHOD, destination.forwarding);
  putI32(out, c.IPVS_DEST_ATTR_WEIGHT, destination.weight);
  putU32(out, c.IPVS_DEST_ATTR_U_THRESH, destination.upperThreshold);
  putU32(out, c.IPVS_DEST_ATTR_L_THRESH, destination.lowerThreshold);
  const { tunnel } = destination;
  if (tunnel === undefined) return;
  putU8(out, c.IPVS_DEST_ATTR_TUN_TYPE, tunnel.type);
  putU16be(out, c.IPVS_DEST_ATTR_TUN_PORT, tunnel.port);
  putU16(out, c.IPVS_DEST_ATTR_TUN_FLAGS, tunnel.flags);
}

/** The kernel's own form: 16 bytes for either family. */
function putAddressField(out: ByteWriter, type: number, address: string): void {
  const start = beginAttribute(out, type);
  const payload = out.length;
  out.address(address);
  out.zeros(ADDRESS_FIELD_BYTES - (out.length - payload));
  endAttribute(out, start);
}

/** Both nests of a reply: the old one holds what fits into 32 bits, bytes apart. */
function putCounters(out: ByteWriter, type: number, type64: number, counters: Counters): void {
  const narrow = beginAttribute(out, type);
  putWideOrNarrow(out, counters, (attribute, value) => {
    putU32(out, attribute, Number(value & U32_MASK));
  });
  endAttribute(out, narrow);
  const wide = beginAttribute(out, type64);
  putWideOrNarrow(out, counters, (attribute, value) => {
    putU64(out, attribute, value);
  });
  endAttribute(out, wide);
}

function putWideOrNarrow(
  out: ByteWriter,
  counters: Counters,
  put: (type: number, value: bigint) => void,
): void {
  put(c.IPVS_STATS_ATTR_CONNS, counters.connections);
  put(c.IPVS_STATS_ATTR_INPKTS, counters.inPackets);
  put(c.IPVS_STATS_ATTR_OUTPKTS, counters.outPackets);
  putU64(out, c.IPVS_STATS_ATTR_INBYTES, counters.inBytes);
  putU64(out, c.IPVS_STATS_ATTR_OUTBYTES, counters.outBytes);
  put(c.IPVS_STATS_ATTR_CPS, counters.connectionsPerSec);
  put(c.IPVS_STATS_ATTR_INPPS, counters.inPacketsPerSec);
  put(c.IPVS_STATS_ATTR_OUTPPS, counters.outPacketsPerSec);
  put(c.IPVS_STATS_ATTR_INBPS, counters.inBytesPerSec);
  put(c.IPVS_STATS_ATTR_OUTBPS, counters.outBytesPerSec);
}
