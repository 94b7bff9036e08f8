import { expect, test } from '@jest/globals';
import {
  addressFromNumber,
  addressToNumber,
  formatRange,
  parseRange,
  rangeContains,
  rangeSize,
  rangesOverlap,
  writeRange,
} from '../../../src/net/addressRange.ts';

test.each([
  ['192.0.2.64/27', '192.0.2.64-192.0.2.95', 32n],
  ['192.0.2.70/27', '192.0.2.64-192.0.2.95', 32n],
  ['192.0.2.100-192.0.2.120', '192.0.2.100-192.0.2.120', 21n],
  [' 192.0.2.100 - 192.0.2.101 ', '192.0.2.100-192.0.2.101', 2n],
  ['192.0.2.9', '192.0.2.9', 1n],
  ['192.0.2.9/32', '192.0.2.9', 1n],
  ['0.0.0.0/0', '0.0.0.0-255.255.255.255', 1n << 32n],
  ['2001:DB8:1::/120', '2001:db8:1::-2001:db8:1::ff', 256n],
  ['::/0', '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 1n << 128n],
  ['2001:db8::1-2001:db8::1:0', '2001:db8::1-2001:db8::1:0', 65_536n],
])('%s is %s', (text, canonical, size) => {
  const range = parseRange(text)!;
  expect(formatRange(range)).toBe(canonical);
  expect(rangeSize(range)).toBe(size);
  expect(parseRange(canonical)).toEqual(range);
});

test.each([
  '',
  '-',
  '192.0.2.1-',
  '192.0.2.9-192.0.2.1',
  '192.0.2.1-2001:db8::1',
  '192.0.2.1-192.0.2.2-192.0.2.3',
  '192.0.2.0/33',
  '192.0.2.0/24-192.0.3.0/24',
  '192.0.2.1-9',
  'eth0',
])('%j is no range', (text) => {
  expect(parseRange(text)).toBeUndefined();
});

test.each(['0.0.0.0', '255.255.255.255', '10.1.2.3', '::', '::1', 'fe80::1:2', '2001:db8::ff00:0'])(
  '%s as a number and back',
  (address) => {
    const family = address.includes(':') ? 'IPv6' : 'IPv4';
    expect(addressFromNumber(family, addressToNumber(address))).toBe(address);
  },
);

test('what lies in a range, and which ranges meet', () => {
  const range = parseRange('192.0.2.10-192.0.2.20')!;
  const inIt = (address: string) => rangeContains(range, address);
  expect(['192.0.2.9', '192.0.2.10', '192.0.2.20', '192.0.2.21', '::c000:20a'].map(inIt)).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  const meets = (text: string) => rangesOverlap(range, parseRange(text)!);
  expect(['192.0.2.0/29', '192.0.2.20', '192.0.2.21-192.0.2.22', '::/0'].map(meets)).toEqual([
    false,
    true,
    false,
    false,
  ]);
});

test.each([
  ['192.0.2.64-192.0.2.95', '192.0.2.64/27'],
  ['192.0.2.64-192.0.2.94', '192.0.2.64-192.0.2.94'],
  ['192.0.2.65-192.0.2.96', '192.0.2.65-192.0.2.96'],
  ['192.0.2.2-192.0.2.3', '192.0.2.2/31'],
  ['192.0.2.1/32', '192.0.2.1'],
  ['0.0.0.0-255.255.255.255', '0.0.0.0/0'],
  ['::/0', '::/0'],
  ['2001:db8::-2001:db8::ff', '2001:db8::/120'],
])('%s is written as %s', (text, written) => {
  expect(writeRange(parseRange(text)!)).toBe(written);
});
