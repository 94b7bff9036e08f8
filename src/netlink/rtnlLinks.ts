/**
 * rtnetlink links: network devices, and the requests that make, list and remove a dummy one. Which
 * device is ours and whether it may be up is decided in kernel/.
 */
import { beginNest, endAttribute, putBytes, putString, putU32, putU8 } from './attributes.ts';
import type { AttributeCursor } from './attributes.ts';
import type { ByteWriter } from '../net/bytes.ts';
import * as c from './constants.ts';
import { beginMessage, endMessage, type MessageCursor, type MessageHead } from './message.ts';

/** struct ifinfomsg */
const HEADER_BYTES = 16;

export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFF_* */
  readonly flags: number;
  /** ARPHRD_*: 1 = Ethernet, 772 = loopback */
  readonly hardwareType: number;
  readonly mtu?: number;
  /** `dummy`, `veth`, `bridge`; absent for hardware */
  readonly kind?: string;
  /** index of the bridge or bond it is in */
  readonly master?: number;
  /** index of the device below, as for a VLAN */
  readonly parent?: number;
  /** IF_OPER_*: 6 = up */
  readonly operationalState?: number;
  readonly hardwareAddress?: Uint8Array;
}

/** What a request says of a link; what is left out stays as it is. */
export interface LinkRequest {
  /** 0 or absent = found by name */
  readonly index?: number;
  readonly name?: string;
  readonly flags?: number;
  /** which of `flags` count */
  readonly changedFlags?: number;
  readonly mtu?: number;
  readonly kind?: string;
}

/** @param head type set here; flags for creation REQUEST | CREATE | EXCL | ACK */
export function encodeNewLink(out: ByteWriter, head: MessageHead, link: LinkRequest): void {
  putLinkRequest(out, c.RTM_NEWLINK, head, link);
}

/**
 * A dummy device, down; the kernel loads its module. EEXIST where the name is taken (of whatever
 * kind).
 */
export function encodeNewDummy(out: ByteWriter, head: MessageHead, name: string): void {
  const noArp = { flags: c.IFF_NOARP, changedFlags: c.IFF_NOARP };
  encodeNewLink(out, head, { name, kind: 'dummy', ...noArp });
}

export function encodeDeleteLink(out: ByteWriter, head: MessageHead, link: LinkRequest): void {
  putLinkRequest(out, c.RTM_DELLINK, head, link);
}

/** One link by name or index: ENODEV when there is none. */
export function encodeGetLink(out: ByteWriter, head: MessageHead, link: LinkRequest): void {
  putLinkRequest(out, c.RTM_GETLINK, head, link);
}

/** @param kind only links of this kind; @param head flags with NLM_F_DUMP */
export function encodeDumpLinks(out: ByteWriter, head: MessageHead, kind?: string): void {
  encodeGetLink(out, head, kind === undefined ? {} : { kind });
}

function putLinkRequest(out: ByteWriter, type: number, head: MessageHead, link: LinkRequest): void {
  const start = beginMessage(out, { type, flags: head.flags, sequence: head.sequence });
  putHeader(out, 0, link.index ?? 0, link.flags ?? 0, link.changedFlags ?? 0);
  if (link.name !== undefined) putString(out, c.IFLA_IFNAME, link.name);
  if (link.mtu !== undefined) putU32(out, c.IFLA_MTU, link.mtu);
  if (link.kind !== undefined) putKind(out, link.kind);
  endMessage(out, start);
}

function putHeader(
  out: ByteWriter,
  hardwareType: number,
  index: number,
  flags: number,
  changedFlags: number,
): void {
  out.u8(c.AF_UNSPEC);
  out.u8(0);
  out.u16(hardwareType);
  out.i32(index);
  out.u32(flags);
  out.u32(changedFlags);
}

function putKind(out: ByteWriter, kind: string): void {
  const nest = beginNest(out, c.IFLA_LINKINFO);
  putString(out, c.IFLA_INFO_KIND, kind);
  endAttribute(out, nest);
}

/**
 * What the kernel lists or notifies; tests play the kernel with it. @param head type NEWLINK or
 * DELLINK
 */
export function encodeLink(out: ByteWriter, head: MessageHead, link: Link): void {
  const start = beginMessage(out, head);
  putHeader(out, link.hardwareType, link.index, link.flags, 0);
  putString(out, c.IFLA_IFNAME, link.name);
  if (link.operationalState !== undefined) putU8(out, c.IFLA_OPERSTATE, link.operationalState);
  if (link.mtu !== undefined) putU32(out, c.IFLA_MTU, link.mtu);
  if (link.parent !== undefined) putU32(out, c.IFLA_LINK, link.parent);
  if (link.master !== undefined) putU32(out, c.IFLA_MASTER, link.master);
  if (link.hardwareAddress !== undefined) putBytes(out, c.IFLA_ADDRESS, link.hardwareAddress);
  if (link.kind !== undefined) putKind(out, link.kind);
  endMessage(out, start);
}

/** @param message of type NEWLINK or DELLINK */
export function decodeLink(message: MessageCursor): Link {
  const { reader, start } = message;
  const attributes = message.attributes(HEADER_BYTES);
  const fixed = {
    hardwareType: reader.u16(start + 2),
    index: reader.i32(start + 4),
    flags: reader.u32(start + 8),
  };
  let name = '';
  const optional: { -readonly [K in keyof Link]?: Link[K] } = {};
  while (attributes.next()) {
    switch (attributes.type) {
      case c.IFLA_IFNAME:
        name = attributes.string();
        break;
      case c.IFLA_MTU:
        optional.mtu = attributes.u32();
        break;
      case c.IFLA_LINK:
        optional.parent = attributes.u32();
        break;
      case c.IFLA_MASTER:
        optional.master = attributes.u32();
        break;
      case c.IFLA_OPERSTATE:
        optional.operationalState = attributes.u8();
        break;
      case c.IFLA_ADDRESS:
        optional.hardwareAddress = attributes.bytes();
        break;
      case c.IFLA_LINKINFO: {
        const kind = kindIn(attributes.nested());
        if (kind !== undefined) optional.kind = kind;
        break;
      }
    }
  }
  return { ...fixed, name, ...optional };
}

function kindIn(nest: AttributeCursor): string | undefined {
  while (nest.next()) {
    if (nest.type === c.IFLA_INFO_KIND) return nest.string();
  }
  return undefined;
}
