/**
 * Lists of ipsets as the kernel sends them: a large set comes in several messages, of which the
 * first has its type and size; and elements that are put into a set or taken out. What an element
 * is called in text is kernel/ipsetElement.ts'; sets themselves are the ipset program's.
 */
import type { Address } from '../net/address.ts';
import { familyOf } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import {
  type AttributeCursor,
  beginNest,
  endAttribute,
  putAddress,
  putString,
  putU16be,
  putU32be,
  putU8,
} from './attributes.ts';
import { type ByteWriter, DecodeError } from '../net/bytes.ts';
import * as c from './constants.ts';
import { endMessage, type MessageCursor, type MessageHead } from './message.ts';
import { beginNetfilter, NETFILTER_HEADER_BYTES, type NetfilterKind } from './netfilter.ts';

/** What an element has depends on the type of its set. */
export interface SetElement {
  readonly address?: Address;
  readonly prefixLength?: number;
  /** IANA number */
  readonly protocol?: number;
  /** of ICMP: type and code, a byte each */
  readonly port?: number;
  readonly secondAddress?: Address;
  readonly secondPrefixLength?: number;
}

/** Of a set's first message. */
export interface SetHeader {
  /** `hash:ip,port` */
  readonly type: string;
  /** AF_UNSPEC for bitmaps */
  readonly addressFamily: number;
  /** hash types only */
  readonly maxElements?: number;
  /** since Linux 4.2 (revision of 2015); what the elements' messages hold counts */
  readonly elementCount?: number;
}

export interface SetPart {
  readonly name: string;
  readonly header?: SetHeader;
  readonly elements: readonly SetElement[];
}

function kindOf(type: number) {
  return { subsystem: c.NFNL_SUBSYS_IPSET, type, addressFamily: c.AF_INET };
}
const NETWORK_ORDER = c.NLA_F_NET_BYTEORDER;

const LIST = kindOf(c.IPSET_CMD_LIST);
const ELEMENT_COMMANDS = { add: kindOf(c.IPSET_CMD_ADD), del: kindOf(c.IPSET_CMD_DEL) };

function beginSet(out: ByteWriter, kind: NetfilterKind, head: MessageHead): number {
  const start = beginNetfilter(out, kind, head);
  putU8(out, c.IPSET_ATTR_PROTOCOL, c.IPSET_PROTOCOL_MIN);
  return start;
}

/** All sets, without their elements. @param head type set here; flags with NLM_F_DUMP */
export function encodeDumpSetHeaders(out: ByteWriter, head: MessageHead): void {
  const start = beginSet(out, LIST, head);
  putU32be(out, c.IPSET_ATTR_FLAGS | NETWORK_ORDER, c.IPSET_FLAG_LIST_HEADER);
  endMessage(out, start);
}

/**
 * One set with its elements; ENOENT without it. @param head type set here; flags with NLM_F_DUMP
 */
export function encodeDumpSet(out: ByteWriter, head: MessageHead, name: string): void {
  const start = beginSet(out, LIST, head);
  putString(out, c.IPSET_ATTR_SETNAME, name);
  endMessage(out, start);
}

/**
 * Puts an element into a set, or takes it out; without NLM_F_EXCL one that is there already, or is
 * not there, is no error. @param head type set here
 */
export function encodeSetElement(
  out: ByteWriter,
  head: MessageHead,
  command: keyof typeof ELEMENT_COMMANDS,
  setName: string,
  element: SetElement,
): void {
  const start = beginSet(out, ELEMENT_COMMANDS[command], head);
  putString(out, c.IPSET_ATTR_SETNAME, setName);
  putElement(out, element);
  endMessage(out, start);
}

/** What the kernel lists; tests play the kernel with it. */
export function encodeSetPart(
  out: ByteWriter,
  head: MessageHead,
  { name, header, elements }: SetPart,
): void {
  const start = beginSet(out, LIST, head);
  putString(out, c.IPSET_ATTR_SETNAME, name);
  if (header !== undefined) {
    putString(out, c.IPSET_ATTR_TYPENAME, header.type);
    putU8(out, c.IPSET_ATTR_FAMILY, header.addressFamily);
    const data = beginNest(out, c.IPSET_ATTR_DATA);
    putOptional(header.maxElements, (size) =>
      putU32be(out, c.IPSET_ATTR_MAXELEM | NETWORK_ORDER, size),
    );
    putOptional(header.elementCount, (size) =>
      putU32be(out, c.IPSET_ATTR_ELEMENTS | NETWORK_ORDER, size),
    );
    endAttribute(out, data);
  }
  const list = beginNest(out, c.IPSET_ATTR_ADT);
  for (const element of elements) putElement(out, element);
  endAttribute(out, list);
  endMessage(out, start);
}

function putElement(out: ByteWriter, element: SetElement): void {
  const data = beginNest(out, c.IPSET_ATTR_DATA);
  putOptional(element.address, (address) => putIp(out, c.IPSET_ATTR_IP, address));
  putOptional(element.secondAddress, (address) => putIp(out, c.IPSET_ATTR_IP2, address));
  putOptional(element.port, (port) => putU16be(out, c.IPSET_ATTR_PORT | NETWORK_ORDER, port));
  putOptional(element.prefixLength, (length) => putU8(out, c.IPSET_ATTR_CIDR, length));
  putOptional(element.secondPrefixLength, (length) => putU8(out, c.IPSET_ATTR_CIDR2, length));
  putOptional(element.protocol, (protocol) => putU8(out, c.IPSET_ATTR_PROTO, protocol));
  endAttribute(out, data);
}

function putOptional<T>(value: T | undefined, put: (value: T) => void): void {
  if (value !== undefined) put(value);
}

const ADDRESS_TYPE: Readonly<Record<Family, number>> = {
  IPv4: c.IPSET_ATTR_IPADDR_IPV4,
  IPv6: c.IPSET_ATTR_IPADDR_IPV6,
};

function putIp(out: ByteWriter, type: number, address: Address): void {
  const start = beginNest(out, type);
  putAddress(out, ADDRESS_TYPE[familyOf(address)] | NETWORK_ORDER, address);
  endAttribute(out, start);
}

export function decodeSetPart(message: MessageCursor): SetPart {
  const attributes = message.attributes(NETFILTER_HEADER_BYTES);
  const elements: SetElement[] = [];
  const header: {
    type?: string;
    addressFamily: number;
    maxElements?: number;
    elementCount?: number;
  } = { addressFamily: c.AF_UNSPEC };
  let name: string | undefined;
  while (attributes.next()) {
    switch (attributes.type) {
      case c.IPSET_ATTR_SETNAME:
        name = attributes.string();
        break;
      case c.IPSET_ATTR_TYPENAME:
        header.type = attributes.string();
        break;
      case c.IPSET_ATTR_FAMILY:
        header.addressFamily = attributes.u8();
        break;
      case c.IPSET_ATTR_DATA:
        Object.assign(header, decodeSizes(attributes.nested()));
        break;
      case c.IPSET_ATTR_ADT:
        for (const list = attributes.nested(); list.next();) {
          if (list.type === c.IPSET_ATTR_DATA) elements.push(decodeElement(list.nested()));
        }
        break;
    }
  }
  if (name === undefined) throw new DecodeError('ipset without a name');
  const { type } = header;
  return type === undefined ? { name, elements } : { name, header: { ...header, type }, elements };
}

function decodeSizes(data: AttributeCursor): Pick<SetHeader, 'maxElements' | 'elementCount'> {
  const sizes: { maxElements?: number; elementCount?: number } = {};
  while (data.next()) {
    if (data.type === c.IPSET_ATTR_MAXELEM) sizes.maxElements = data.u32be();
    if (data.type === c.IPSET_ATTR_ELEMENTS) sizes.elementCount = data.u32be();
  }
  return sizes;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function decodeElement(data: AttributeCursor): SetElement {
  const element: Mutable<SetElement> = {};
  while (data.next()) {
    switch (data.type) {
      case c.IPSET_ATTR_IP:
        element.address = decodeIp(data.nested());
        break;
      case c.IPSET_ATTR_IP2:
        element.secondAddress = decodeIp(data.nested());
        break;
      case c.IPSET_ATTR_CIDR:
        element.prefixLength = data.u8();
        break;
      case c.IPSET_ATTR_CIDR2:
        element.secondPrefixLength = data.u8();
        break;
      case c.IPSET_ATTR_PORT:
        element.port = data.u16be();
        break;
      case c.IPSET_ATTR_PROTO:
        element.protocol = data.u8();
        break;
    }
  }
  return element;
}

function decodeIp(nest: AttributeCursor): Address {
  while (nest.next()) {
    if (nest.type === c.IPSET_ATTR_IPADDR_IPV4) return nest.address('IPv4');
    if (nest.type === c.IPSET_ATTR_IPADDR_IPV6) return nest.address('IPv6');
  }
  throw new DecodeError('ipset element with an address of no family');
}
