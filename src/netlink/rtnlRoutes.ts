/**
 * rtnetlink routes, read only: the local table says which addresses are the node's own, the main
 * table names its default gateways. Policy is the reader's.
 */
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { familyFromNumber, familyNumber } from './addressFamily.ts';
import { AttributeCursor, beginAttribute, endAttribute, putAddress, putU32 } from './attributes.ts';
import { align, type ByteReader, type ByteWriter, DecodeError } from '../net/bytes.ts';
import * as c from './constants.ts';
import { beginMessage, endMessage, type MessageCursor, type MessageHead } from './message.ts';

/** struct rtmsg */
const HEADER_BYTES = 12;
/** struct rtnexthop */
const NEXT_HOP_BYTES = 8;

export interface NextHop {
  /** absent for a directly connected network */
  readonly gateway?: Address;
  /** index of the interface */
  readonly outInterface?: number;
}

export interface Route {
  readonly family: Family;
  /** absent = default route */
  readonly destination?: Address;
  readonly destinationLength: number;
  /** all 32 bits: local 255, main 254 */
  readonly table: number;
  /** RTPROT_* */
  readonly protocol: number;
  /** RT_SCOPE_* */
  readonly scope: number;
  /** RTN_* */
  readonly type: number;
  readonly priority?: number;
  readonly preferredSource?: Address;
  /** one, or several for a multipath route; empty for a blackhole */
  readonly nextHops: readonly NextHop[];
}

/**
 * Of the main table: those of others (VPNs, policy routing) are not what the node as a whole goes
 * by.
 */
export function isDefaultRoute({ destinationLength, table }: Route): boolean {
  return destinationLength === 0 && table === c.RT_TABLE_MAIN;
}

export interface RouteFilter {
  readonly family: Family;
  /** these three take effect only with NETLINK_GET_STRICT_CHK */
  readonly table?: number;
  readonly type?: number;
  readonly protocol?: number;
}

/** @param head type set here; flags with NLM_F_DUMP */
export function encodeDumpRoutes(out: ByteWriter, head: MessageHead, filter: RouteFilter): void {
  const { flags, sequence } = head;
  const start = beginMessage(out, { type: c.RTM_GETROUTE, flags, sequence });
  const { family, table = c.RT_TABLE_UNSPEC, type = c.RTN_UNSPEC, protocol = 0 } = filter;
  putHeader(out, { family, destinationLength: 0, table, type, protocol, scope: 0 });
  if (table > 0xff) putU32(out, c.RTA_TABLE, table);
  endMessage(out, start);
}

type RouteHeader = Pick<
  Route,
  'family' | 'destinationLength' | 'table' | 'protocol' | 'scope' | 'type'
>;

function putHeader(out: ByteWriter, route: RouteHeader): void {
  out.u8(familyNumber(route.family));
  out.u8(route.destinationLength);
  out.u8(0); // source length
  out.u8(0); // type of service
  out.u8(route.table > 0xff ? c.RT_TABLE_COMPAT : route.table);
  out.u8(route.protocol);
  out.u8(route.scope);
  out.u8(route.type);
  out.u32(0);
}

/**
 * What the kernel lists or notifies; tests play the kernel with it. @param head type NEWROUTE or
 * DELROUTE
 */
export function encodeRoute(out: ByteWriter, head: MessageHead, route: Route): void {
  const start = beginMessage(out, head);
  putHeader(out, route);
  putU32(out, c.RTA_TABLE, route.table);
  if (route.destination !== undefined) putAddress(out, c.RTA_DST, route.destination);
  if (route.priority !== undefined) putU32(out, c.RTA_PRIORITY, route.priority);
  if (route.preferredSource !== undefined) putAddress(out, c.RTA_PREFSRC, route.preferredSource);
  const [only, ...others] = route.nextHops;
  if (others.length > 0) {
    const nest = beginAttribute(out, c.RTA_MULTIPATH);
    for (const hop of route.nextHops) putNextHop(out, hop);
    endAttribute(out, nest);
  } else if (only !== undefined) {
    putGateway(out, only);
    if (only.outInterface !== undefined) putU32(out, c.RTA_OIF, only.outInterface);
  }
  endMessage(out, start);
}

function putNextHop(out: ByteWriter, hop: NextHop): void {
  const start = out.length;
  out.u16(0);
  out.u8(0);
  out.u8(0);
  out.i32(hop.outInterface ?? 0);
  putGateway(out, hop);
  out.patchU16(start, out.length - start);
}

function putGateway(out: ByteWriter, hop: NextHop): void {
  if (hop.gateway !== undefined) putAddress(out, c.RTA_GATEWAY, hop.gateway);
}

/** @param message of type NEWROUTE or DELROUTE of IPv4 or IPv6 */
export function decodeRoute(message: MessageCursor): Route {
  const { reader, start } = message;
  const attributes = message.attributes(HEADER_BYTES);
  const family = familyFromNumber(reader.u8(start));
  const fixed = {
    family,
    destinationLength: reader.u8(start + 1),
    protocol: reader.u8(start + 5),
    scope: reader.u8(start + 6),
    type: reader.u8(start + 7),
  };
  let table = reader.u8(start + 4);
  let hop: NextHop = {};
  let nextHops: readonly NextHop[] | undefined;
  const optional: { destination?: Address; priority?: number; preferredSource?: Address } = {};
  while (attributes.next()) {
    switch (attributes.type) {
      case c.RTA_TABLE:
        table = attributes.u32();
        break;
      case c.RTA_DST:
        optional.destination = attributes.address(family);
        break;
      case c.RTA_PRIORITY:
        optional.priority = attributes.u32();
        break;
      case c.RTA_PREFSRC:
        optional.preferredSource = attributes.address(family);
        break;
      case c.RTA_MULTIPATH:
        nextHops = decodeNextHops(reader, attributes, family);
        break;
      default:
        hop = withHopAttribute(hop, attributes, family);
    }
  }
  nextHops ??= hop.gateway === undefined && hop.outInterface === undefined ? [] : [hop];
  return { ...fixed, table, ...optional, nextHops };
}

function withHopAttribute(hop: NextHop, attribute: AttributeCursor, family: Family): NextHop {
  if (attribute.type === c.RTA_OIF) return { ...hop, outInterface: attribute.u32() };
  if (attribute.type === c.RTA_GATEWAY) return { ...hop, gateway: attribute.address(family) };
  if (attribute.type === c.RTA_VIA) return { ...hop, gateway: attribute.addressWithFamily() };
  return hop;
}

function decodeNextHops(reader: ByteReader, list: AttributeCursor, family: Family): NextHop[] {
  const hops: NextHop[] = [];
  let at = list.start;
  while (at < list.end) {
    const length = reader.u16(at);
    if (length < NEXT_HOP_BYTES || at + length > list.end) {
      throw new DecodeError(`next hop at offset ${at} claims ${length} bytes`);
    }
    const attributes = new AttributeCursor(reader, at + NEXT_HOP_BYTES, at + length);
    let hop: NextHop = {};
    while (attributes.next()) hop = withHopAttribute(hop, attributes, family);
    const outInterface = reader.i32(at + 4);
    hops.push(outInterface === 0 ? hop : { ...hop, outInterface });
    at += align(length);
  }
  return hops;
}
