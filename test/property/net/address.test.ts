import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  addressFromBytes,
  addressToBytes,
  compareAddresses,
  familyOf,
  hostPortSortKey,
  parseAddress,
} from '../../../src/net/address.ts';
import { formatPrefix, parsePrefix, prefixContains, prefixOf } from '../../../src/net/prefix.ts';

const ipv4Bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
// many zero groups, so that the shortening has something to do
const ipv6Bytes = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])));
const bytes = fc.oneof(ipv4Bytes, ipv6Bytes);
const address = bytes.map(addressFromBytes);

/** RFC 5952 by another road: the longest zero run found in the text of all eight groups. */
function shortenByText(groups: readonly string[]): string {
  const runs = [...groups.join(':').matchAll(/(?<=^|:)0(?::0)+(?=:|$)/g)];
  const longest = runs.reduce((best, run) => (run[0].length > best.length ? run[0] : best), '');
  if (longest === '') return groups.join(':');
  const at = runs.find((run) => run[0] === longest)!.index;
  const text = groups.join(':');
  const head = text.slice(0, at).replace(/:$/, '');
  const tail = text.slice(at + longest.length).replace(/^:/, '');
  return `${head}::${tail}`;
}

test('bytes become an address and the same bytes again', () => {
  fc.assert(
    fc.property(bytes, (given) => {
      expect(addressToBytes(addressFromBytes(given))).toEqual(given);
    }),
  );
});

test('a canonical address is read as itself', () => {
  fc.assert(fc.property(address, (given) => expect(parseAddress(given)).toBe(given)));
});

test('IPv6 is shortened as RFC 5952 says', () => {
  fc.assert(
    fc.property(ipv6Bytes, (given) => {
      const groups = Array.from({ length: 8 }, (_, i) =>
        ((given[2 * i]! << 8) | given[2 * i + 1]!).toString(16),
      );
      expect(addressFromBytes(given)).toBe(shortenByText(groups));
    }),
  );
});

test('every way to write an IPv6 address is read as the same one', () => {
  fc.assert(
    fc.property(ipv6Bytes, fc.boolean(), fc.boolean(), (given, isPadded, isDotted) => {
      const groups = Array.from({ length: 8 }, (_, i) =>
        ((given[2 * i]! << 8) | given[2 * i + 1]!).toString(16).padStart(isPadded ? 4 : 1, '0'),
      );
      if (isDotted) groups.splice(6, 2, given.slice(12).join('.'));
      expect(parseAddress(groups.join(':').toUpperCase())).toBe(addressFromBytes(given));
    }),
  );
});

test('any text is read as a canonical address or not at all', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdefx.:%/ ')) }),
  );
  fc.assert(
    fc.property(text, (given) => {
      const parsed = parseAddress(given);
      if (parsed === undefined) return;
      expect(parseAddress(parsed)).toBe(parsed);
      expect(addressFromBytes(addressToBytes(parsed))).toBe(parsed);
    }),
    { numRuns: 1000 },
  );
});

test('the order of addresses is the order of their bytes', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const order = compareAddresses(addressFromBytes(a), addressFromBytes(b));
      const expected = a.length - b.length || Buffer.compare(a, b);
      expect(Math.sign(order)).toBe(Math.sign(expected));
    }),
  );
});

test('sort keys put addresses of one family in order, then ports', () => {
  const port = fc.nat(0xffff);
  const pair = fc.oneof(fc.tuple(ipv4Bytes, ipv4Bytes), fc.tuple(ipv6Bytes, ipv6Bytes));
  fc.assert(
    fc.property(pair, port, port, fc.boolean(), ([first, second], p, q, isSame) => {
      const a = addressFromBytes(first);
      const b = isSame ? a : addressFromBytes(second);
      const [left, right] = [hostPortSortKey(a, p), hostPortSortKey(b, q)];
      const expected = Math.sign(compareAddresses(a, b) || p - q);
      expect(Number(left > right) - Number(left < right)).toBe(expected);
    }),
  );
});

test('a prefix is read back as written, and contains the address it was made of', () => {
  fc.assert(
    fc.property(address, fc.nat(128), (given, bits) => {
      const length = familyOf(given) === 'IPv4' ? bits % 33 : bits;
      const prefix = prefixOf(given, length);
      expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
      expect(parsePrefix(`${given}/${length}`)).toEqual(prefix);
      expect(prefixContains(prefix, given)).toBe(true);
    }),
  );
});

test('an address is outside of a prefix when one bit of the network part differs', () => {
  fc.assert(
    fc.property(bytes, fc.nat(127), fc.nat(127), (given, a, b) => {
      const bits = given.length * 8;
      const [flipped, longer] = [a % bits, b % bits];
      const length = Math.max(flipped + 1, longer);
      const other = Uint8Array.from(given);
      other[flipped >> 3]! ^= 0x80 >> (flipped & 7);
      const prefix = prefixOf(addressFromBytes(given), length);
      expect(prefixContains(prefix, addressFromBytes(other))).toBe(false);
    }),
  );
});
