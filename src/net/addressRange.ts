/** Ranges of addresses as numbers, so that a pool of any size is a handful of them. */
import {
  type Address,
  addressFromBytes,
  addressToBytes,
  familyOf,
  parseAddress,
} from './address.ts';
import type { Family } from './family.ts';
import { addressBits, parsePrefix } from './prefix.ts';

/** Both ends included; `first` ≤ `last`. */
export interface AddressRange {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

/** @param address canonical @returns below 2^32 or 2^128 */
export function addressToNumber(address: Address): bigint {
  const bytes = addressToBytes(address);
  const { buffer, byteOffset, length } = bytes;
  const view = new DataView(buffer, byteOffset, length);
  if (length === 4) return BigInt(view.getUint32(0));
  return (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
}

export function addressFromNumber(family: Family, value: bigint): Address {
  if (family === 'IPv4') {
    const bits = Number(value);
    return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
  }
  const bytes = new Uint8Array(addressBits(family) / 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, value >> 64n);
  view.setBigUint64(8, BigInt.asUintN(64, value));
  return addressFromBytes(bytes);
}

/**
 * `192.0.2.64/27` with all of its addresses, `192.0.2.1-192.0.2.9`, or a single address.
 *
 * @returns undefined for anything else, also for ends of two families or in the wrong order
 */
export function parseRange(text: string): AddressRange | undefined {
  const trimmed = text.trim();
  const prefix = parsePrefix(trimmed);
  if (prefix !== undefined) {
    const { family } = prefix;
    const first = addressToNumber(prefix.address);
    const size = 1n << BigInt(addressBits(family) - prefix.length);
    return { family, first, last: first + size - 1n };
  }
  const ends = trimmed.split('-').map((end) => parseAddress(end.trim()));
  const [first] = ends;
  const last = ends.at(-1);
  if (ends.length > 2 || first === undefined || last === undefined) return undefined;
  const range = {
    family: familyOf(first),
    first: addressToNumber(first),
    last: addressToNumber(last),
  };
  return familyOf(last) === range.family && range.first <= range.last ? range : undefined;
}

/** `192.0.2.64-192.0.2.95`; a single address alone. */
export function formatRange({ family, first, last }: AddressRange): string {
  const from = addressFromNumber(family, first);
  return first === last ? from : `${from}-${addressFromNumber(family, last)}`;
}

/** As people write it: as a prefix where it is one of more than one address. */
export function writeRange(range: AddressRange): string {
  const { family, first } = range;
  const size = rangeSize(range);
  const isPrefix = size > 1n && (size & (size - 1n)) === 0n && first % size === 0n;
  if (!isPrefix) return formatRange(range);
  const hostBits = size.toString(2).length - 1;
  return `${addressFromNumber(family, first)}/${addressBits(family) - hostBits}`;
}

/** How many addresses it has. */
export function rangeSize({ first, last }: AddressRange): bigint {
  return last - first + 1n;
}

export function rangeContains(range: AddressRange, address: Address): boolean {
  if (familyOf(address) !== range.family) return false;
  const value = addressToNumber(address);
  return value >= range.first && value <= range.last;
}

export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}
