import { expect, test } from '@jest/globals';
import { ByteReader, ByteWriter, DecodeError } from '../../../src/net/bytes.ts';

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

test('signed and 64-bit numbers take what fits, and nothing is wrapped', () => {
  for (const fitting of [-(2 ** 31), -1, 2 ** 31 - 1]) {
    const out = new ByteWriter();
    out.i32(fitting);
    expect(new ByteReader(out.written()).i32(0)).toBe(fitting);
  }
  for (const wrong of [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN])
    expect(() => written((out) => out.i32(wrong))).toThrow(RangeError);
  for (const fitting of [0n, 2n ** 64n - 1n]) {
    const out = new ByteWriter();
    out.u64(fitting);
    expect(new ByteReader(out.written()).u64(0)).toBe(fitting);
  }
  for (const wrong of [2n ** 64n, -1n]) {
    expect(() => written((out) => out.u64(wrong))).toThrow(RangeError);
    expect(() => written((out) => out.u64be(wrong))).toThrow(RangeError);
  }
});

test('a string ends at its first NUL, and can hold none', () => {
  expect(() => written((out) => out.string('a\0b'))).toThrow(RangeError);
  const read = (text: string, count: number) => new ByteReader(Buffer.from(text)).string(0, count);
  expect(read('eth0\0x', 6)).toBe('eth0');
  expect(read('eth0', 4)).toBe('eth0');
  expect(read('ü\0x', 4)).toBe('ü');
  expect(read('ü', 2)).toBe('ü');
});

test('what is beyond the bytes is refused, with how much there is', () => {
  const reader = new ByteReader(new Uint8Array(8));
  for (const look of [
    () => reader.u8(8),
    () => reader.u16(7),
    () => reader.u16be(7),
    () => reader.u32(5),
    () => reader.u32be(5),
    () => reader.i32(5),
    () => reader.u64(1),
    () => reader.u64be(1),
    () => reader.bytes(4, 5),
    () => reader.string(8, 1),
    () => reader.u8(-1),
  ])
    expect(look).toThrow(DecodeError);
  expect(() => reader.u32(5)).toThrow('4 bytes wanted at offset 5, but only 8 were received');
  expect([reader.u64(0), reader.u8(7), reader.bytes(4, 4).length]).toEqual([0n, 0, 4]);
});

test('a length that is known later is written over, in a buffer that may have held other things', () => {
  const out = new ByteWriter(2);
  out.u32(0xffff_ffff);
  out.u32(0xffff_ffff);
  out.reset();
  out.u8(1);
  out.padToAlignment();
  out.zeros(4);
  expect(Buffer.from(out.written()).toString('hex')).toBe('0100000000000000');
  out.patchU16(0, 0x0505);
  out.patchU32(4, 0x0707_0707);
  expect(Buffer.from(out.written()).toString('hex')).toBe('0505000007070707');
  expect(() => out.patchU16(0, 0x1_0000)).toThrow(RangeError);
});

test('network order is network order on any machine', () => {
  expect(written((out) => out.u16be(0x0102))).toBe('0102');
  expect(written((out) => out.u32be(0x0102_0304))).toBe('01020304');
  expect(written((out) => out.u64be(0x0102_0304_0506_0708n))).toBe('0102030405060708');
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  expect(new ByteReader(bytes).u64be(0)).toBe(0x0102_0304_0506_0708n);
  const patched = (out: ByteWriter) => {
    out.u32(0);
    out.patchU16be(1, 0x0102);
  };
  expect(written(patched)).toBe('00010200');
  expect(() => new ByteWriter().patchU16be(0, -1)).toThrow(RangeError);
});
