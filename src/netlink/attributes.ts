/**
 * Netlink attributes: a 16-bit length and type, a payload, padding to 4 bytes, nests of the same.
 * Which types exist and what they mean is decided by the family's own file.
 */
import { type Address, addressFromBytes } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { align, type ByteReader, type ByteWriter, DecodeError } from '../net/bytes.ts';
import { AF_INET6, NLA_F_NESTED, NLA_TYPE_MASK } from './constants.ts';

const HEADER_BYTES = 4;

function putHeader(out: ByteWriter, type: number, payloadBytes: number): void {
  out.u16(HEADER_BYTES + payloadBytes);
  out.u16(type);
}

export function putU8(out: ByteWriter, type: number, value: number): void {
  putHeader(out, type, 1);
  out.u8(value);
  out.padToAlignment();
}

export function putU16(out: ByteWriter, type: number, value: number): void {
  putHeader(out, type, 2);
  out.u16(value);
  out.padToAlignment();
}

/** __be16: ports. */
export function putU16be(out: ByteWriter, type: number, value: number): void {
  putHeader(out, type, 2);
  out.u16be(value);
  out.padToAlignment();
}

export function putU32(out: ByteWriter, type: number, value: number): void {
  putHeader(out, type, 4);
  out.u32(value);
}

/** __be32: IPv4 masks. */
export function putU32be(out: ByteWriter, type: number, value: number): void {
  putHeader(out, type, 4);
  out.u32be(value);
}

export function putI32(out: ByteWriter, type: number, value: number): void {
  putHeader(out, type, 4);
  out.i32(value);
}

export function putU64(out: ByteWriter, type: number, value: bigint): void {
  putHeader(out, type, 8);
  out.u64(value);
}

/** With the final NUL, as the kernel's NLA_NUL_STRING wants it. */
export function putString(out: ByteWriter, type: number, text: string): void {
  const start = beginAttribute(out, type);
  out.string(text);
  endAttribute(out, start);
}

export function putBytes(out: ByteWriter, type: number, bytes: Uint8Array): void {
  putHeader(out, type, bytes.length);
  out.bytes(bytes);
  out.padToAlignment();
}

/** 4 or 16 bytes in network order. */
export function putAddress(out: ByteWriter, type: number, address: Address): void {
  const start = beginAttribute(out, type);
  out.address(address);
  endAttribute(out, start);
}

/** @returns where the attribute starts, for {@link endAttribute} */
export function beginAttribute(out: ByteWriter, type: number): number {
  const start = out.length;
  putHeader(out, type, 0);
  return start;
}

/** A nest with the NESTED bit, which rtnetlink wants and IPVS neither sends nor needs. */
export function beginNest(out: ByteWriter, type: number): number {
  return beginAttribute(out, type | NLA_F_NESTED);
}

export function endAttribute(out: ByteWriter, start: number): void {
  out.patchU16(start, out.length - start);
  out.padToAlignment();
}

/**
 * Walks the attributes of one nest: `while (attributes.next()) switch (attributes.type) …`. The
 * typed readers look at the payload of the current attribute; one longer than its type is accepted,
 * as the kernel does.
 */
export class AttributeCursor {
  /** without the NESTED and NET_BYTEORDER bits */
  type = 0;
  /** payload of the current attribute in the reader */
  start = 0;
  end = 0;
  readonly #reader: ByteReader;
  readonly #limit: number;
  #next: number;

  constructor(reader: ByteReader, start: number, end: number) {
    if (start > end || end > reader.length) {
      throw new DecodeError(`attributes end at ${end}, outside their message`);
    }
    this.#reader = reader;
    this.#next = start;
    this.#limit = end;
  }

  /** @returns false at the end; fewer than four bytes left over are padding */
  next(): boolean {
    const at = this.#next;
    if (at + HEADER_BYTES > this.#limit) return false;
    const length = this.#reader.u16(at);
    if (length < HEADER_BYTES || at + length > this.#limit) {
      throw new DecodeError(`attribute at offset ${at} claims ${length} bytes`);
    }
    this.type = this.#reader.u16(at + 2) & NLA_TYPE_MASK;
    this.start = at + HEADER_BYTES;
    this.end = at + length;
    this.#next = at + align(length);
    return true;
  }

  get length(): number {
    return this.end - this.start;
  }

  u8(): number {
    return this.#reader.u8(this.#at(1));
  }

  u16(): number {
    return this.#reader.u16(this.#at(2));
  }

  u16be(): number {
    return this.#reader.u16be(this.#at(2));
  }

  u32(): number {
    return this.#reader.u32(this.#at(4));
  }

  u32be(): number {
    return this.#reader.u32be(this.#at(4));
  }

  i32(): number {
    return this.#reader.i32(this.#at(4));
  }

  u64(): bigint {
    return this.#reader.u64(this.#at(8));
  }

  string(): string {
    return this.#reader.string(this.start, this.length);
  }

  bytes(): Uint8Array {
    return this.#reader.bytes(this.start, this.length);
  }

  /** The first 4 or 16 bytes: IPVS sends IPv4 addresses in a field of 16. */
  address(family: Family): Address {
    const reader = this.#reader;
    const at = this.#at(family === 'IPv4' ? 4 : 16);
    if (family === 'IPv6') return addressFromBytes(reader.bytes(at, 16));
    return `${reader.u8(at)}.${reader.u8(at + 1)}.${reader.u8(at + 2)}.${reader.u8(at + 3)}`;
  }

  /** A 16-bit family number and the address (RTA_VIA): IPv6 next hops of IPv4 routes. */
  addressWithFamily(): Address {
    const isIpv6 = this.u16() === AF_INET6;
    const bytes = isIpv6 ? 16 : 4;
    return addressFromBytes(this.#reader.bytes(this.#at(2 + bytes) + 2, bytes));
  }

  /** The attributes inside this one. */
  nested(): AttributeCursor {
    return new AttributeCursor(this.#reader, this.start, this.end);
  }

  /** Where the payload starts, once it is known to hold `count` bytes. */
  #at(count: number): number {
    if (this.length < count) {
      throw new DecodeError(
        `attribute ${this.type} has ${this.length} bytes where ${count} are needed`,
      );
    }
    return this.start;
  }
}
