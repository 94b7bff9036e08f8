import { expect, test } from '@jest/globals';
import { AttributeCursor } from '../../../src/netlink/attributes.ts';
import {
  ByteReader,
  ByteWriter,
  DecodeError,
  IS_LITTLE_ENDIAN,
} from '../../../src/netlink/bytes.ts';

const written = (write: (out: ByteWriter) => void) => {
  const out = new ByteWriter(1);
  write(out);
  return Buffer.from(out.written()).toString('hex');
};

type Field = 'u8' | 'u16' | 'u16be' | 'u32' | 'u32be';
const limits: readonly (readonly [field: Field, max: number, bytes: string])[] = [
  ['u8', 0xff, 'ff'],
  ['u16', 0xffff, 'ffff'],
  ['u16be', 0xffff, 'ffff'],
  ['u32', 0xffff_ffff, 'ffffffff'],
  ['u32be', 0xffff_ffff, 'ffffffff'],
];

test.each(limits)('%s takes 0 to %d, and nothing is wrapped', (field, max, bytes) => {
  expect(written((out) => out[field](max))).toBe(bytes);
  expect(written((out) => out[field](0))).toBe('00'.repeat(bytes.length / 2));
  for (const wrong of [max + 1, -1, 0.5, Number.NaN])
    expect(() => written((out) => out[field](wrong))).toThrow(RangeError);
});

test('network order is network order on any machine', () => {
  expect(written((out) => out.u16be(0x0102))).toBe('0102');
  expect(written((out) => out.u32be(0x0102_0304))).toBe('01020304');
});

/** Attributes as their header says: length and type, little-endian for the eye. */
const attributes = (...bytes: readonly number[]) => {
  const swapped = IS_LITTLE_ENDIAN ? bytes : bytes.map((_, i) => bytes[i ^ 1]!);
  return new AttributeCursor(new ByteReader(Uint8Array.from(swapped)), 0, bytes.length);
};

test.each([
  ['shorter than its own header', [3, 0, 1, 0]],
  ['longer than what holds it', [9, 0, 1, 0, 0, 0, 0, 0]],
])('an attribute that is %s is refused', (_, bytes) => {
  expect(() => attributes(...bytes).next()).toThrow(DecodeError);
});

test('an attribute without a payload, and one that ends with its nest, are read', () => {
  const cursor = attributes(4, 0, 1, 0, 8, 0, 2, 0, 7, 0, 0, 0);
  expect([cursor.next(), cursor.type, cursor.end - cursor.start]).toEqual([true, 1, 0]);
  expect([cursor.next(), cursor.type, cursor.end - cursor.start]).toEqual([true, 2, 4]);
  expect(cursor.next()).toBe(false);
});

test('a nest outside its message is refused', () => {
  const reader = new ByteReader(new Uint8Array(8));
  expect(() => new AttributeCursor(reader, 0, 9)).toThrow(DecodeError);
  expect(() => new AttributeCursor(reader, 8, 4)).toThrow(DecodeError);
});
