/**
 * Bodies of heartbeats: which addresses a node claims, lets go or cannot serve, and where it is
 * attached. A list that one datagram has no room for is cut into parts; who puts them together
 * again knows which belong to one list.
 */
import { type Address, addressFromBytes, familyOf } from '../net/address.ts';
import { type ByteReader, ByteWriter } from '../net/bytes.ts';
import { isUnicastMac, type MacAddress, macFromBytes, macToBytes } from '../net/macAddress.ts';
import { addressBits } from '../net/prefix.ts';

/** Numbered from 0; the last one is `parts - 1`. */
export interface Part<T> {
  readonly part: number;
  readonly parts: number;
  readonly entries: readonly T[];
}

/** An address of a node on one of its interfaces. */
export interface Attachment {
  readonly interfaceName: string;
  readonly mac: MacAddress;
  readonly address: Address;
  readonly prefixLength: number;
  /** the interface has the family's default route */
  readonly hasDefaultRoute: boolean;
}

export type HeartbeatBody =
  | { readonly type: 'beat' | 'ask' }
  | ({ readonly type: 'attach' } & Part<Attachment>)
  | ({ readonly type: 'claims' | 'release' | 'unable' } & Part<Address>);

const PART_BYTES = 4;
const ADDRESS_BYTES = 16;
export const ADDRESS_ENTRY_BYTES = 1 + ADDRESS_BYTES;
/** IFNAMSIZ of linux/if.h, its last byte NUL */
const INTERFACE_NAME_BYTES = 16;
export const ATTACHMENT_BYTES = 10 + ADDRESS_BYTES + INTERFACE_NAME_BYTES;
const DEFAULT_ROUTE = 1;

/**
 * Cuts a list so that each part fits; an empty list is one empty part.
 *
 * @param entryBytes of one entry @param capacity bytes that a body may have (bodyCapacity)
 */
export function inParts<T>(
  entries: readonly T[],
  entryBytes: number,
  capacity: number,
): readonly Part<T>[] {
  const each = Math.floor((capacity - PART_BYTES) / entryBytes);
  const parts = Math.max(1, Math.ceil(entries.length / each));
  return Array.from({ length: parts }, (_, part) => ({
    part,
    parts,
    entries: entries.slice(part * each, (part + 1) * each),
  }));
}

export function encodeBody(body: HeartbeatBody): Uint8Array {
  const out = new ByteWriter(256);
  if (!('part' in body)) return out.written();
  out.u16be(body.part);
  out.u16be(body.parts);
  out.bytes(entriesOf(body));
  return out.written();
}

/** One list goes to many nodes and is written once; it is not changed after that. */
const written = new WeakMap<readonly unknown[], Uint8Array>();

function entriesOf(body: Extract<HeartbeatBody, Part<unknown>>): Uint8Array {
  const known = written.get(body.entries);
  if (known !== undefined) return known;
  const out = new ByteWriter(256);
  if (body.type === 'attach') {
    for (const attachment of body.entries) putAttachment(out, attachment);
  } else {
    for (const address of body.entries) {
      out.u8(familyNumber(address));
      putAddress(out, address);
    }
  }
  const bytes = out.written();
  written.set(body.entries, bytes);
  return bytes;
}

/** @returns undefined where a length, a part or an entry cannot be */
export function decodeBody(
  type: HeartbeatBody['type'],
  reader: ByteReader,
): HeartbeatBody | undefined {
  if (type === 'beat' || type === 'ask') return reader.length === 0 ? { type } : undefined;
  if (type === 'attach') {
    const list = readPart(reader, ATTACHMENT_BYTES, readAttachment);
    return list && { type, ...list };
  }
  const list = readPart(reader, ADDRESS_ENTRY_BYTES, (at) =>
    readAddress(reader, reader.u8(at), at + 1),
  );
  return list && { type, ...list };
}

function readPart<T>(
  reader: ByteReader,
  entryBytes: number,
  readEntry: (at: number, reader: ByteReader) => T | undefined,
): Part<T> | undefined {
  const rest = reader.length - PART_BYTES;
  if (rest < 0 || rest % entryBytes !== 0) return undefined;
  const part = reader.u16be(0);
  const parts = reader.u16be(2);
  if (part >= parts) return undefined;
  const entries: T[] = [];
  for (let at = PART_BYTES; at < reader.length; at += entryBytes) {
    const entry = readEntry(at, reader);
    if (entry === undefined) return undefined;
    entries.push(entry);
  }
  return { part, parts, entries };
}

function putAttachment(out: ByteWriter, attachment: Attachment): void {
  const { address, prefixLength, hasDefaultRoute, mac, interfaceName } = attachment;
  const name = new TextEncoder().encode(interfaceName);
  if (name.length === 0 || name.length >= INTERFACE_NAME_BYTES) {
    throw new RangeError(`not the name of an interface: ${interfaceName}`);
  }
  out.u8(familyNumber(address));
  out.u8(prefixLength);
  out.u8(hasDefaultRoute ? DEFAULT_ROUTE : 0);
  out.u8(0);
  out.bytes(macToBytes(mac));
  putAddress(out, address);
  out.bytes(name);
  out.zeros(INTERFACE_NAME_BYTES - name.length);
}

function readAttachment(at: number, reader: ByteReader): Attachment | undefined {
  const address = readAddress(reader, reader.u8(at), at + 10);
  const prefixLength = reader.u8(at + 1);
  const mac = macFromBytes(reader.bytes(at + 4, 6));
  const nameAt = at + 10 + ADDRESS_BYTES;
  const interfaceName = reader.string(nameAt, INTERFACE_NAME_BYTES);
  const isNamed = interfaceName !== '' && reader.u8(nameAt + INTERFACE_NAME_BYTES - 1) === 0;
  if (address === undefined || !isUnicastMac(mac) || !isNamed) return undefined;
  if (prefixLength > addressBits(familyOf(address))) return undefined;
  const hasDefaultRoute = (reader.u8(at + 2) & DEFAULT_ROUTE) !== 0;
  return { interfaceName, mac, address, prefixLength, hasDefaultRoute };
}

function familyNumber(address: Address): 4 | 6 {
  return familyOf(address) === 'IPv4' ? 4 : 6;
}

/** IPv4 in the first 4 bytes, the rest zero. */
function putAddress(out: ByteWriter, address: Address): void {
  out.address(address);
  if (familyOf(address) === 'IPv4') out.zeros(ADDRESS_BYTES - 4);
}

function readAddress(reader: ByteReader, family: number, at: number): Address | undefined {
  const bytes = reader.bytes(at, ADDRESS_BYTES);
  if (family === 6) return addressFromBytes(bytes);
  const isIpv4 = family === 4 && bytes.subarray(4).every((byte) => byte === 0);
  return isIpv4 ? addressFromBytes(bytes.subarray(0, 4)) : undefined;
}
