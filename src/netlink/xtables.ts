/**
 * The tables of iptables-legacy as the kernel hands them out by socket options, as far as it takes
 * to see whether they are what they were. Sizes are those of 64-bit Linux.
 *
 * @see linux/netfilter_ipv4/ip_tables.h, linux/netfilter_ipv6/ip6_tables.h
 */
import { type Family } from '../net/family.ts';
import { DecodeError } from '../net/bytes.ts';

/** `struct ipt_getinfo`: name, hooks, their entries and underflows, number of entries, size */
export const INFO_BYTES = 84;
const INFO_SIZE_AT = 80;

const NAME_BYTES = 32;
/** `struct ipt_get_entries` up to its entries: name, size, room */
const ENTRIES_AT = 40;

/** In `struct ipt_entry` and `struct ip6t_entry`. */
const ENTRY: Readonly<Record<Family, { readonly nextAt: number; readonly countersAt: number }>> = {
  IPv4: { nextAt: 90, countersAt: 96 },
  IPv6: { nextAt: 142, countersAt: 152 },
};
const COUNTERS_BYTES = 16;

/** @param table at most 31 characters of ASCII */
export function encodeInfoRequest(table: string): Uint8Array {
  const request = new Uint8Array(NAME_BYTES);
  new TextEncoder().encodeInto(table, request.subarray(0, NAME_BYTES - 1));
  return request;
}

/** @returns bytes of all entries */
export function decodeInfoSize(info: Uint8Array): number {
  if (info.length < INFO_BYTES) throw new DecodeError(`a table's sizes in ${info.length} bytes`);
  return viewOf(info).getUint32(INFO_SIZE_AT, isLittleEndian);
}

/** @returns the request, and of how many bytes the answer is */
export function encodeEntriesRequest(
  table: string,
  size: number,
): { readonly request: Uint8Array; readonly answerBytes: number } {
  const request = new Uint8Array(ENTRIES_AT);
  request.set(encodeInfoRequest(table));
  viewOf(request).setUint32(NAME_BYTES, size, isLittleEndian);
  return { request, answerBytes: ENTRIES_AT + size };
}

/**
 * Sets the counters of packets and bytes to zero: all else changes only when somebody changes a
 * rule.
 *
 * @param answer changed in place
 * @returns the entries in it
 * @throws DecodeError where the entries do not fill it
 */
export function entriesWithoutCounters(answer: Uint8Array, family: Family): Uint8Array {
  const { nextAt, countersAt } = ENTRY[family];
  const entries = answer.subarray(ENTRIES_AT);
  const view = viewOf(entries);
  const leastBytes = countersAt + COUNTERS_BYTES;
  for (let at = 0; at < entries.length;) {
    const left = entries.length - at;
    const bytes = left < leastBytes ? 0 : view.getUint16(at + nextAt, isLittleEndian);
    if (bytes < leastBytes || bytes > left) {
      throw new DecodeError(`entry at offset ${at} claims ${bytes} of ${left} bytes`);
    }
    entries.fill(0, at + countersAt, at + leastBytes);
    at += bytes;
  }
  return entries;
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
