/**
 * Addresses as Kubernetes has always read and stored them: numbers may carry leading zeros, which
 * are decimal, and an IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) is that IPv4 address. For
 * objects of the API and for configuration; what comes from the kernel or was written by us is read
 * by the strict readers of address.ts and prefix.ts.
 *
 * @see k8s.io/utils/net ParseIPSloppy, ParseCIDRSloppy
 */
import {
  type Address,
  addressFromBytes,
  addressToBytes,
  isIpv4Mapped,
  parseAddress,
} from './address.ts';
import { type Prefix, parsePrefix, prefixOf } from './prefix.ts';

/** bits of an IPv6 prefix that all IPv4-mapped addresses share */
const MAPPED_BITS = 96;

/** @returns the canonical address; undefined for anything but one address */
export function parseSloppyAddress(text: string): Address | undefined {
  const address = parseAddress(text) ?? parseAddress(withoutLeadingZeros(text));
  return address !== undefined && isIpv4Mapped(address) ? unmapped(address) : address;
}

/**
 * @returns undefined also for a prefix that reaches from IPv4-mapped addresses to others: no packet
 * matches what was meant by it
 */
export function parseSloppyPrefix(text: string): Prefix | undefined {
  const [addressText = '', lengthText, ...rest] = text.split('/');
  if (lengthText === undefined || rest.length > 0) return undefined;
  const address = parseAddress(addressText) ?? parseAddress(withoutLeadingZeros(addressText));
  if (address === undefined) return undefined;
  const prefix = parsePrefix(`${address}/${withoutLeadingZeros(lengthText)}`);
  if (prefix === undefined || !isIpv4Mapped(address)) return prefix;
  if (prefix.length < MAPPED_BITS) return undefined;
  return prefixOf(unmapped(address), prefix.length - MAPPED_BITS);
}

function unmapped(address: Address): Address {
  return addressFromBytes(addressToBytes(address).slice(-4));
}

function withoutLeadingZeros(text: string): string {
  return text.replace(/(^|[.:])0+(?=[0-9a-fA-F])/g, '$1');
}
