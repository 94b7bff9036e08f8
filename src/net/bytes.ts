/**
 * Reading and writing numbers, strings and addresses in memory. The writer grows one buffer, so
 * that a batch of many messages is built without an allocation for each; the reader checks every
 * position before it looks. What the bytes mean is decided by the codecs, netlink/ and wire/.
 */
import { type Address, addressToBytes } from './address.ts';

/**
 * The only error that decoding throws: the bytes are shorter than, or not of the form, that they
 * claim to be.
 */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Netlink integers are in host order, except those the kernel declares __be16 or __be32. */
export const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const NETLINK_ALIGNMENT = 4;

/** Netlink messages and attributes start at multiples of 4 bytes. */
export function align(length: number): number {
  return (length + NETLINK_ALIGNMENT - 1) & ~(NETLINK_ALIGNMENT - 1);
}

function checkRange(value: number, max: number): void {
  if (!(value >= 0 && value <= max) || !Number.isInteger(value)) {
    throw new RangeError(`cannot encode ${value}: not an integer between 0 and ${max}`);
  }
}

function checkBigint(value: bigint): void {
  if (BigInt.asUintN(64, value) !== value) {
    throw new RangeError(`cannot encode ${value} as an unsigned 64-bit integer`);
  }
}

/**
 * Appends to one growing buffer. A number that does not fit its field is a bug of the caller:
 * RangeError.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, as a view: good until the next write or reset. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets the content and keeps the memory. */
  reset(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    checkRange(value, 0xff);
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    checkRange(value, 0xffff);
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, IS_LITTLE_ENDIAN);
  }

  u16be(value: number): void {
    checkRange(value, 0xffff);
    const at = this.#reserve(2);
    this.#view.setUint16(at, value);
  }

  u32(value: number): void {
    checkRange(value, 0xffff_ffff);
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, IS_LITTLE_ENDIAN);
  }

  u32be(value: number): void {
    checkRange(value, 0xffff_ffff);
    const at = this.#reserve(4);
    this.#view.setUint32(at, value);
  }

  i32(value: number): void {
    if (value !== (value | 0)) throw new RangeError(`cannot encode ${value} as a 32-bit integer`);
    const at = this.#reserve(4);
    this.#view.setInt32(at, value, IS_LITTLE_ENDIAN);
  }

  u64(value: bigint): void {
    checkBigint(value);
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value, IS_LITTLE_ENDIAN);
  }

  u64be(value: bigint): void {
    checkBigint(value);
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value);
  }

  bytes(source: Uint8Array): void {
    const at = this.#reserve(source.length);
    this.#bytes.set(source, at);
  }

  /**
   * Zero bytes: padding and reserved fields. The buffer may hold an earlier batch, so they are
   * written.
   */
  zeros(count: number): void {
    const start = this.#reserve(count);
    this.#bytes.fill(0, start, start + count);
  }

  /** UTF-8 and the final NUL. */
  string(text: string): void {
    if (text.includes('\0')) throw new RangeError('a netlink string cannot hold a NUL character');
    this.bytes(new TextEncoder().encode(text));
    this.u8(0);
  }

  /** Network order: 4 or 16 bytes. */
  address(address: Address): void {
    if (address.includes(':')) {
      this.bytes(addressToBytes(address));
      return;
    }
    // Written digit by digit: a batch of 100,000 destinations makes no arrays.
    let octet = 0;
    for (let i = 0; i < address.length; i++) {
      const code = address.charCodeAt(i);
      if (code === 0x2e) {
        this.u8(octet);
        octet = 0;
      } else {
        octet = octet * 10 + code - 0x30;
      }
    }
    this.u8(octet);
  }

  padToAlignment(): void {
    this.zeros(align(this.#length) - this.#length);
  }

  /** Overwrites a length field that was not known when it was written. */
  patchU16(position: number, value: number): void {
    checkRange(value, 0xffff);
    this.#view.setUint16(position, value, IS_LITTLE_ENDIAN);
  }

  patchU16be(position: number, value: number): void {
    checkRange(value, 0xffff);
    this.#view.setUint16(position, value);
  }

  patchU32(position: number, value: number): void {
    this.#view.setUint32(position, value, IS_LITTLE_ENDIAN);
  }

  /** May replace the buffer and its view: ask for the place first, then look at them. */
  #reserve(count: number): number {
    const start = this.#length;
    const end = start + count;
    if (end > this.#bytes.length) this.#grow(end);
    this.#length = end;
    return start;
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Random access to received bytes; every position is checked. */
export class ByteReader {
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.length = bytes.length;
  }

  u8(position: number): number {
    this.#check(position, 1);
    return this.#bytes[position]!;
  }

  u16(position: number): number {
    this.#check(position, 2);
    return this.#view.getUint16(position, IS_LITTLE_ENDIAN);
  }

  u16be(position: number): number {
    this.#check(position, 2);
    return this.#view.getUint16(position);
  }

  u32(position: number): number {
    this.#check(position, 4);
    return this.#view.getUint32(position, IS_LITTLE_ENDIAN);
  }

  u32be(position: number): number {
    this.#check(position, 4);
    return this.#view.getUint32(position);
  }

  i32(position: number): number {
    this.#check(position, 4);
    return this.#view.getInt32(position, IS_LITTLE_ENDIAN);
  }

  /** Any position: the kernel aligns 64-bit values to 4 only. */
  u64(position: number): bigint {
    this.#check(position, 8);
    return this.#view.getBigUint64(position, IS_LITTLE_ENDIAN);
  }

  u64be(position: number): bigint {
    this.#check(position, 8);
    return this.#view.getBigUint64(position);
  }

  /** A copy: what is decoded never keeps a receive buffer alive. */
  bytes(position: number, count: number): Uint8Array {
    this.#check(position, count);
    return this.#bytes.slice(position, position + count);
  }

  /** Up to the first NUL, or all `count` bytes where there is none. */
  string(position: number, count: number): string {
    this.#check(position, count);
    let text = '';
    for (let i = position; i < position + count; i++) {
      const code = this.#bytes[i]!;
      if (code === 0) return text;
      if (code >= 0x80) return this.#utf8(position, count);
      text += String.fromCharCode(code);
    }
    return text;
  }

  #utf8(position: number, count: number): string {
    const field = this.#bytes.subarray(position, position + count);
    const nul = field.indexOf(0);
    return new TextDecoder().decode(nul < 0 ? field : field.subarray(0, nul));
  }

  #check(position: number, count: number): void {
    if (position < 0 || position + count > this.length) {
      throw new DecodeError(
        `${count} bytes wanted at offset ${position}, but only ${this.length} were received`,
      );
    }
  }
}
