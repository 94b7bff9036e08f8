/**
 * IP addresses as canonical strings: dotted quad, or RFC 5952 for IPv6, so that equal addresses are equal strings and a
 * person can grep for them. Parsing is strict: no octal, no short forms, no zone identifiers.
 */
import ipaddr from 'ipaddr.js';
import type { Family } from './family.ts';

/** A canonical address; only {@link parseAddress} and {@link addressFromBytes} make one from outside input. */
export type Address = string;

const STRICT_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** @returns the canonical form, or undefined when `text` is not one plain IPv4 or IPv6 address */
export function parseAddress(text: string): Address | undefined {
  if (STRICT_IPV4.test(text)) return text;
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  return formatIpv6(Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()));
}

/** Family of a canonical address. */
export function familyOf(address: Address): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** @returns 4 or 16 bytes in network order */
export function addressToBytes(address: Address): Uint8Array {
  if (familyOf(address) === 'IPv4') return Uint8Array.from(address.split('.'), Number);
  return Uint8Array.from(ipaddr.IPv6.parse(address).toByteArray());
}

/** @param bytes 4 or 16 bytes in network order; any other length is a bug of the caller */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length === 16) return formatIpv6(bytes);
  throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
}

/** RFC 5952: lower case, no leading zeros, the longest run of at least two zero groups shortened, the first of equals. */
function formatIpv6(bytes: Uint8Array): Address {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
    if (end > start) start = end;
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

/** `10.0.0.1:80` or `[fd00::1]:80`. */
export function joinHostPort(address: Address, port: number): string {
  return familyOf(address) === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

export function isUnspecified(address: Address): boolean {
  return address === '0.0.0.0' || address === '::';
}

export function isLoopback(address: Address): boolean {
  return address === '::1' || address.startsWith('127.');
}

export function isLinkLocal(address: Address): boolean {
  return familyOf(address) === 'IPv4' ? address.startsWith('169.254.') : /^fe[89ab]/.test(address);
}

export function isMulticast(address: Address): boolean {
  if (familyOf(address) === 'IPv6') return address.startsWith('ff');
  const first = Number(address.slice(0, address.indexOf('.')));
  return first >= 224 && first <= 239;
}

/** IPv4 before IPv6, then by numeric value. */
export function compareAddresses(a: Address, b: Address): number {
  if (a === b) return 0;
  const left = addressToBytes(a);
  const right = addressToBytes(b);
  if (left.length !== right.length) return left.length - right.length;
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return left[at]! - right[at]!;
}
