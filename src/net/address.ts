/**
 * IP addresses as canonical strings: dotted quad, or RFC 5952 for IPv6, so that equal addresses are
 * equal strings and a person can grep for them. Parsing is strict: no octal, no short forms, no
 * zone identifiers.
 */
import type { Family } from './family.ts';

/**
 * A canonical address; only {@link parseAddress} and {@link addressFromBytes} make one from outside
 * input.
 */
export type Address = string;

const STRICT_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/;

/** @returns the canonical form, or undefined when `text` is not one plain IPv4 or IPv6 address */
export function parseAddress(text: string): Address | undefined {
  if (STRICT_IPV4.test(text)) return text;
  const groups = parseIpv6Groups(text);
  return groups === undefined ? undefined : formatIpv6(groups);
}

/**
 * RFC 4291 §2.2, all three forms; a `::` must stand for at least one group. Eight 16-bit numbers.
 */
function parseIpv6Groups(text: string): number[] | undefined {
  if (!text.includes(':')) return undefined;
  const halves = withoutDottedTail(text).split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const given = [...head, ...(tail ?? [])];
  if (tail === undefined ? given.length !== 8 : given.length > 7) return undefined;
  if (!given.every((group) => HEX_GROUP.test(group))) return undefined;
  const zeros = Array.from({ length: 8 - given.length }, () => '0');
  return [...head, ...zeros, ...(tail ?? [])].map((group) => Number.parseInt(group, 16));
}

/**
 * `::ffff:10.0.0.1` becomes `::ffff:a00:1`; a tail that is no strict IPv4 address stays and fails
 * as a group.
 */
function withoutDottedTail(text: string): string {
  const start = text.lastIndexOf(':') + 1;
  const tail = text.slice(start);
  if (!STRICT_IPV4.test(tail)) return text;
  const [a, b, c, d] = tail.split('.').map(Number) as [number, number, number, number];
  return text.slice(0, start) + joinGroups([(a << 8) | b, (c << 8) | d]);
}

/** Family of a canonical address. */
export function familyOf(address: Address): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/**
 * @returns 4 or 16 bytes in network order; anything but a canonical address is a bug of the caller
 */
export function addressToBytes(address: Address): Uint8Array {
  if (familyOf(address) === 'IPv4') return Uint8Array.from(address.split('.'), Number);
  const groups = parseIpv6Groups(address);
  if (groups === undefined) throw new RangeError(`not an address: ${address}`);
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** @param bytes 4 or 16 bytes in network order; any other length is a bug of the caller */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) {
    throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  }
  return formatIpv6(Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!));
}

/**
 * RFC 5952: lower case, no leading zeros, the longest run of at least two zero groups shortened,
 * the first of equals.
 */
function formatIpv6(groups: readonly number[]): Address {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
    if (end > start) start = end;
  }
  if (best.start < 0) return joinGroups(groups);
  const end = best.start + best.length;
  return `${joinGroups(groups.slice(0, best.start))}::${joinGroups(groups.slice(end))}`;
}

function joinGroups(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(':');
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
  return familyOf(address) === 'IPv4'
    ? address.startsWith('169.254.')
    : /^fe[89ab][0-9a-f]:/.test(address);
}

export function isMulticast(address: Address): boolean {
  if (familyOf(address) === 'IPv6') return /^ff[0-9a-f]{2}:/.test(address);
  const first = Number(address.slice(0, address.indexOf('.')));
  return first >= 224 && first <= 239;
}

/**
 * The limited broadcast address; a network's own broadcast address cannot be told from the address
 * alone.
 */
export function isBroadcast(address: Address): boolean {
  return address === '255.255.255.255';
}

/**
 * `::ffff:a00:1`: an IPv4 address in IPv6 clothes, which no packet on the wire may carry (RFC 4291
 * §2.5.5.2).
 */
export function isIpv4Mapped(address: Address): boolean {
  return /^::ffff:[0-9a-f]+:[0-9a-f]+$/.test(address);
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

/**
 * A text whose order (by `<`) is the order of address, then port, within one family: for sorting
 * many, each looked at once. Not for people to read.
 */
export function hostPortSortKey(address: Address, port: number): string {
  return String.fromCharCode(...addressToBytes(address), port);
}
