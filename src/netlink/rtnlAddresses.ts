/**
 * rtnetlink addresses of interfaces: binding, unbinding, listing. Which address is bound where is
 * decided in desired/; which of a node's addresses count is decided in kernel/ and model/.
 */
import type { Address } from '../net/address.ts';
import { familyOf } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { familyFromNumber, familyNumber } from './addressFamily.ts';
import { putAddress, putString, putU32, putU8 } from './attributes.ts';
import { type ByteWriter, DecodeError } from '../net/bytes.ts';
import * as c from './constants.ts';
import { beginMessage, endMessage, type MessageCursor, type MessageHead } from './message.ts';

/** struct ifaddrmsg */
const HEADER_BYTES = 8;

export interface InterfaceAddress {
  readonly family: Family;
  /** of the interface */
  readonly index: number;
  /** the node's own address */
  readonly address: Address;
  /** the other end of a point-to-point link; absent where it is the same */
  readonly peer?: Address;
  readonly prefixLength: number;
  /** RT_SCOPE_* */
  readonly scope: number;
  /** IFA_F_*, all 32 bits */
  readonly flags: number;
  /** IPv4 only: name of the interface or an alias of it */
  readonly label?: string;
  /**
   * who set it (kernels from 5.18): 1 loopback, 2 and 3 the kernel from a router's advertisement
   */
  readonly origin?: number;
}

/** What a request has to say; the kernel sets the rest. */
export type AddressRequest = Pick<InterfaceAddress, 'index' | 'address' | 'prefixLength'> &
  Partial<Pick<InterfaceAddress, 'flags' | 'scope'>>;

/**
 * @param head type set here; flags REQUEST | CREATE | EXCL, present = EEXIST. IPv6 wants flags
 * IFA_F_NODAD.
 */
export function encodeNewAddress(out: ByteWriter, head: MessageHead, address: AddressRequest) {
  putRequest(out, c.RTM_NEWADDR, head, address);
}

/** Missing = EADDRNOTAVAIL; the prefix length is part of the key. */
export function encodeDeleteAddress(out: ByteWriter, head: MessageHead, address: AddressRequest) {
  putRequest(out, c.RTM_DELADDR, head, address);
}

export interface AddressFilter {
  readonly family?: Family;
  /** only this interface; without NETLINK_GET_STRICT_CHK the kernel ignores it */
  readonly index?: number;
}

/** @param head flags with NLM_F_DUMP */
export function encodeDumpAddresses(out: ByteWriter, head: MessageHead, filter: AddressFilter) {
  const start = beginTyped(out, c.RTM_GETADDR, head);
  const family = filter.family === undefined ? c.AF_UNSPEC : familyNumber(filter.family);
  putHeader(out, family, 0, 0, 0, filter.index ?? 0);
  endMessage(out, start);
}

function beginTyped(out: ByteWriter, type: number, head: MessageHead): number {
  return beginMessage(out, { type, flags: head.flags, sequence: head.sequence });
}

function putRequest(out: ByteWriter, type: number, head: MessageHead, request: AddressRequest) {
  const start = beginTyped(out, type, head);
  const { address, prefixLength, index, flags = 0, scope = c.RT_SCOPE_UNIVERSE } = request;
  const family = familyNumber(familyOf(address));
  putHeader(out, family, prefixLength, flags & 0xff, scope, index);
  putAddress(out, c.IFA_LOCAL, address);
  putAddress(out, c.IFA_ADDRESS, address);
  if (flags > 0xff) putU32(out, c.IFA_FLAGS, flags);
  endMessage(out, start);
}

function putHeader(
  out: ByteWriter,
  family: number,
  prefixLength: number,
  flags: number,
  scope: number,
  index: number,
): void {
  out.u8(family);
  out.u8(prefixLength);
  out.u8(flags);
  out.u8(scope);
  out.u32(index);
}

/**
 * What the kernel lists or notifies; tests play the kernel with it. @param head type NEWADDR or
 * DELADDR
 */
export function encodeAddress(out: ByteWriter, head: MessageHead, address: InterfaceAddress): void {
  const start = beginMessage(out, head);
  const { family, prefixLength, flags, scope, index } = address;
  putHeader(out, familyNumber(family), prefixLength, flags & 0xff, scope, index);
  putAddress(out, c.IFA_ADDRESS, address.peer ?? address.address);
  putAddress(out, c.IFA_LOCAL, address.address);
  if (address.label !== undefined) putString(out, c.IFA_LABEL, address.label);
  if (address.origin !== undefined) putU8(out, c.IFA_PROTO, address.origin);
  putU32(out, c.IFA_FLAGS, flags);
  endMessage(out, start);
}

/** @param message of type NEWADDR or DELADDR */
export function decodeAddress(message: MessageCursor): InterfaceAddress {
  const { reader, start } = message;
  const attributes = message.attributes(HEADER_BYTES);
  const family = familyFromNumber(reader.u8(start));
  let flags = reader.u8(start + 2);
  let local: Address | undefined;
  let other: Address | undefined;
  const optional: { label?: string; origin?: number } = {};
  while (attributes.next()) {
    switch (attributes.type) {
      case c.IFA_LOCAL:
        local = attributes.address(family);
        break;
      case c.IFA_ADDRESS:
        other = attributes.address(family);
        break;
      case c.IFA_FLAGS:
        flags = attributes.u32();
        break;
      case c.IFA_LABEL:
        optional.label = attributes.string();
        break;
      case c.IFA_PROTO:
        optional.origin = attributes.u8();
        break;
    }
  }
  // IPv6 sends IFA_LOCAL only on point-to-point links; there IFA_ADDRESS is the peer.
  const address = local ?? other;
  if (address === undefined) throw new DecodeError('interface address without an address');
  return {
    family,
    index: reader.u32(start + 4),
    address,
    ...(other !== undefined && other !== address && { peer: other }),
    prefixLength: reader.u8(start + 1),
    scope: reader.u8(start + 3),
    flags,
    ...optional,
  };
}
