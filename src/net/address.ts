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
  return text.slice(0, start) + joinGroups([(a << 8) | b, (c << 8) | d], 0, 2);
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
  const bytes = ipv6Bytes(address);
  if (bytes !== undefined) return bytes;
  const groups = parseIpv6Groups(address);
  if (groups === undefined) throw new RangeError(`not an address: ${address}`);
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** Frames are written by it: without a list or a pattern. @returns undefined in any doubt */
function ipv6Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16);
  const gap = text.indexOf('::');
  if (gap < 0) return putGroups(text, bytes) === 16 ? bytes : undefined;
  const tail = new Uint8Array(16);
  const tailLength = putGroups(text.slice(gap + 2), tail);
  const headLength = putGroups(text.slice(0, gap), bytes);
  if (headLength === undefined || tailLength === undefined) return undefined;
  if (headLength + tailLength > 14) return undefined;
  bytes.set(tail.subarray(0, tailLength), 16 - tailLength);
  return bytes;
}

/** @returns how many bytes the groups are; undefined where they are none, or too many */
function putGroups(text: string, bytes: Uint8Array): number | undefined {
  if (text === '') return 0;
  let length = 0;
  let group = 0;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = hexDigit(text.charCodeAt(i));
    if (digit === COLON) {
      if (digits === 0) return undefined;
      digits = 0;
      group = 0;
      length += 2;
      continue;
    }
    digits += 1;
    if (digit === undefined || digits > 4 || length > 14) return undefined;
    group = (group << 4) | digit;
    bytes[length] = group >> 8;
    bytes[length + 1] = group & 0xff;
  }
  return digits === 0 ? undefined : length + 2;
}

const COLON = 0x3a;

/** The digit's value, or the colon itself. */
function hexDigit(code: number): number | undefined {
  if (code === COLON) return COLON;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : undefined;
}

/** @param bytes 4 or 16 bytes in network order; any other length is a bug of the caller */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) {
    throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  }
  const groups = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 8; i++) groups[i] = (bytes[2 * i]! << 8) | bytes[2 * i + 1]!;
  return formatIpv6(groups);
}

/**
 * RFC 5952: lower case, no leading zeros, the longest run of at least two zero groups shortened,
 * the first of equals.
 */
function formatIpv6(groups: readonly number[]): Address {
  let from = -1;
  let length = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > length) {
      from = start;
      length = end - start;
    }
    if (end > start) start = end;
  }
  if (from < 0) return joinGroups(groups, 0, 8);
  return `${joinGroups(groups, 0, from)}::${joinGroups(groups, from + length, 8)}`;
}

function joinGroups(groups: readonly number[], from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += `${i === from ? '' : ':'}${groups[i]!.toString(16)}`;
  return text;
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
