/**
 * ctnetlink: the netfilter connections of one network namespace, listed and deleted. Which of them
 * are stale is decided in plan/; that filters are only a wish, because kernels before 5.8 ignore
 * them, is dealt with in kernel/.
 */
import type { Address } from '../net/address.ts';
import { familyOf } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { familyFromNumber, familyNumber } from './addressFamily.ts';
import {
  type AttributeCursor,
  beginNest,
  endAttribute,
  putAddress,
  putU16be,
  putU32,
  putU32be,
  putU8,
} from './attributes.ts';
import { type ByteWriter, DecodeError } from '../net/bytes.ts';
import * as c from './constants.ts';
import { endMessage, type MessageCursor, type MessageHead } from './message.ts';
import { beginNetfilter, NETFILTER_HEADER_BYTES } from './netfilter.ts';

/** Of a protocol with ports. */
export interface Tuple {
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
}

export interface ConntrackEntry {
  /** IANA number */
  readonly protocol: number;
  readonly original: Tuple;
  /** its source is where the packets really go */
  readonly reply: Tuple;
  /**
   * a hash over place and original tuple: differs for a later entry between the same ends, unless
   * that took the same memory
   */
  readonly id: number;
  /**
   * 0 = the default one; of the entry, or of one direction alone. IPVS knows the default zone only.
   */
  readonly zone: number;
}

/**
 * Entries of one family and protocol; what is given of their original destination must be the same.
 */
export interface ConntrackFilter {
  readonly family: Family;
  /** IANA number */
  readonly protocol: number;
  /**
   * IPv4 only: for IPv6 the kernel (5.8 to 6.x) has the comparison the wrong way round and lists
   * all but this address
   */
  readonly address?: Address | undefined;
  readonly port?: number | undefined;
}

/** @param head type set here; flags with NLM_F_DUMP */
export function encodeDumpConntrack(
  out: ByteWriter,
  head: MessageHead,
  { family, protocol, address, port }: ConntrackFilter,
): void {
  const start = beginConntrack(out, c.IPCTNL_MSG_CT_GET, head, family);
  const tuple = beginNest(out, c.CTA_TUPLE_ORIG);
  let flags = c.CTA_FILTER_F_CTA_PROTO_NUM;
  if (address !== undefined) {
    flags |= c.CTA_FILTER_F_CTA_IP_DST;
    const ip = beginNest(out, c.CTA_TUPLE_IP);
    putAddress(out, ADDRESS_TYPES[family].destination, address);
    endAttribute(out, ip);
  }
  const proto = beginNest(out, c.CTA_TUPLE_PROTO);
  putU8(out, c.CTA_PROTO_NUM, protocol);
  if (port !== undefined) {
    flags |= c.CTA_FILTER_F_CTA_PROTO_DST_PORT;
    putU16be(out, c.CTA_PROTO_DST_PORT, port);
  }
  endAttribute(out, proto);
  endAttribute(out, tuple);
  const filter = beginNest(out, c.CTA_FILTER);
  putU32(out, c.CTA_FILTER_ORIG_FLAGS, flags);
  endAttribute(out, filter);
  endMessage(out, start);
}

/**
 * Missing = ENOENT, also when only the id differs. The tuple is never left out: without it the
 * kernel deletes everything.
 *
 * @param head type set here; flags REQUEST
 */
export function encodeDeleteConntrack(
  out: ByteWriter,
  head: MessageHead,
  { protocol, original, id }: Pick<ConntrackEntry, 'protocol' | 'original' | 'id'>,
): void {
  const start = beginConntrack(out, c.IPCTNL_MSG_CT_DELETE, head, familyOf(original.source));
  putTuple(out, c.CTA_TUPLE_ORIG, protocol, original);
  putU32be(out, c.CTA_ID, id);
  endMessage(out, start);
}

/** What the kernel lists; tests play the kernel with it. */
export function encodeConntrack(
  out: ByteWriter,
  head: MessageHead,
  { protocol, original, reply, id, zone }: ConntrackEntry,
): void {
  const start = beginConntrack(out, c.IPCTNL_MSG_CT_NEW, head, familyOf(original.source));
  putTuple(out, c.CTA_TUPLE_ORIG, protocol, original);
  putTuple(out, c.CTA_TUPLE_REPLY, protocol, reply);
  putU32be(out, c.CTA_STATUS, 0);
  putU32be(out, c.CTA_TIMEOUT, 30);
  if (zone !== 0) putU16be(out, c.CTA_ZONE, zone);
  putU32be(out, c.CTA_ID, id);
  endMessage(out, start);
}

/** @returns undefined for a protocol without ports */
export function decodeConntrack(message: MessageCursor): ConntrackEntry | undefined {
  const family = familyFromNumber(message.reader.u8(message.start));
  const attributes = message.attributes(NETFILTER_HEADER_BYTES);
  let original: ProtocolTuple | undefined;
  let reply: ProtocolTuple | undefined;
  let id = 0;
  let zone = 0;
  while (attributes.next()) {
    switch (attributes.type) {
      case c.CTA_TUPLE_ORIG:
        original = decodeTuple(attributes.nested(), family);
        if (original === undefined) return undefined;
        break;
      case c.CTA_TUPLE_REPLY:
        reply = decodeTuple(attributes.nested(), family);
        if (reply === undefined) return undefined;
        break;
      case c.CTA_ZONE:
        zone = attributes.u16be();
        break;
      case c.CTA_ID:
        id = attributes.u32be();
        break;
    }
  }
  if (original === undefined || reply === undefined) {
    throw new DecodeError('conntrack entry without its two tuples');
  }
  const { protocol, tuple } = original;
  return {
    protocol,
    original: tuple,
    reply: reply.tuple,
    id,
    zone: zone || original.zone || reply.zone,
  };
}

interface ProtocolTuple {
  readonly protocol: number;
  readonly zone: number;
  readonly tuple: Tuple;
}

const ADDRESS_TYPES = {
  IPv4: { source: c.CTA_IP_V4_SRC, destination: c.CTA_IP_V4_DST },
  IPv6: { source: c.CTA_IP_V6_SRC, destination: c.CTA_IP_V6_DST },
} as const;

function beginConntrack(out: ByteWriter, type: number, head: MessageHead, family: Family): number {
  const subsystem = c.NFNL_SUBSYS_CTNETLINK;
  return beginNetfilter(out, { subsystem, type, addressFamily: familyNumber(family) }, head);
}

function putTuple(out: ByteWriter, type: number, protocol: number, tuple: Tuple): void {
  const types = ADDRESS_TYPES[familyOf(tuple.source)];
  const start = beginNest(out, type);
  const ip = beginNest(out, c.CTA_TUPLE_IP);
  putAddress(out, types.source, tuple.source);
  putAddress(out, types.destination, tuple.destination);
  endAttribute(out, ip);
  const proto = beginNest(out, c.CTA_TUPLE_PROTO);
  putU8(out, c.CTA_PROTO_NUM, protocol);
  putU16be(out, c.CTA_PROTO_SRC_PORT, tuple.sourcePort);
  putU16be(out, c.CTA_PROTO_DST_PORT, tuple.destinationPort);
  endAttribute(out, proto);
  endAttribute(out, start);
}

/** @returns undefined without ports: ICMP has a type, a code and an id in their place */
function decodeTuple(attributes: AttributeCursor, family: Family): ProtocolTuple | undefined {
  const parts: TupleParts = {};
  let zone = 0;
  while (attributes.next()) {
    if (attributes.type === c.CTA_TUPLE_ZONE) zone = attributes.u16be();
    if (attributes.type === c.CTA_TUPLE_IP) decodeAddresses(attributes.nested(), family, parts);
    if (attributes.type === c.CTA_TUPLE_PROTO) decodePorts(attributes.nested(), parts);
  }
  const { protocol, source, destination, sourcePort, destinationPort } = parts;
  if (protocol === undefined || source === undefined || destination === undefined) {
    throw new DecodeError('conntrack tuple without addresses or protocol');
  }
  if (sourcePort === undefined || destinationPort === undefined) return undefined;
  return { protocol, zone, tuple: { source, sourcePort, destination, destinationPort } };
}

type TupleParts = { -readonly [K in keyof Tuple]?: Tuple[K] } & { protocol?: number };

function decodeAddresses(attributes: AttributeCursor, family: Family, parts: TupleParts): void {
  const types = ADDRESS_TYPES[family];
  while (attributes.next()) {
    if (attributes.type === types.source) parts.source = attributes.address(family);
    if (attributes.type === types.destination) parts.destination = attributes.address(family);
  }
}

function decodePorts(attributes: AttributeCursor, parts: TupleParts): void {
  while (attributes.next()) {
    if (attributes.type === c.CTA_PROTO_NUM) parts.protocol = attributes.u8();
    if (attributes.type === c.CTA_PROTO_SRC_PORT) parts.sourcePort = attributes.u16be();
    if (attributes.type === c.CTA_PROTO_DST_PORT) parts.destinationPort = attributes.u16be();
  }
}
