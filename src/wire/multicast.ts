/** Groups that Neighbor Discovery asks in, and where Ethernet finds them. */
import { type Address, addressFromBytes, addressToBytes } from '../net/address.ts';
import { type MacAddress, macFromBytes } from '../net/macAddress.ts';

/** Every node of the link. */
export const ALL_NODES: Address = 'ff02::1';

const GROUP_PREFIX = addressToBytes('ff02::1:ff00:0');

/**
 * The group in which `address` is asked for: its last 24 bits behind ff02::1:ff00:0. Some 16
 * million addresses share one.
 *
 * @param address IPv6 @see RFC 4291 §2.7.1
 */
export function solicitedNodeGroup(address: Address): Address {
  const group = GROUP_PREFIX.slice();
  group.set(addressToBytes(address).subarray(13), 13);
  return addressFromBytes(group);
}

/** @param group IPv6 @returns 33:33 and its last 32 bits (RFC 2464 §7) */
export function multicastMac(group: Address): MacAddress {
  return macFromBytes(Uint8Array.of(0x33, 0x33, ...addressToBytes(group).subarray(12)));
}
