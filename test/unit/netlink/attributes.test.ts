import { expect, test } from '@jest/globals';
import { ByteReader, DecodeError, IS_LITTLE_ENDIAN } from '../../../src/net/bytes.ts';
import { AttributeCursor } from '../../../src/netlink/attributes.ts';

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
