import { expect, test } from '@jest/globals';
import { icmpv6Checksum } from '../../../src/wire/checksum.ts';
import { ALL_NODES, multicastMac, solicitedNodeGroup } from '../../../src/wire/multicast.ts';

test.each([
  // RFC 4291 §2.7.1
  ['4037::1:800:200e:8c6c', 'ff02::1:ff0e:8c6c', '33:33:ff:0e:8c:6c'],
  ['2001:db8:1::b', 'ff02::1:ff00:b', '33:33:ff:00:00:0b'],
  ['2001:db8::', 'ff02::1:ff00:0', '33:33:ff:00:00:00'],
])('%s is asked for in %s, at %s', (address, group, mac) => {
  expect(solicitedNodeGroup(address)).toBe(group);
  expect(multicastMac(group)).toBe(mac);
});

test('every node listens at 33:33:00:00:00:01', () => {
  expect(multicastMac(ALL_NODES)).toBe('33:33:00:00:00:01');
});

// RFC 1071 §3: 0001 f203 f4f5 f6f7 sum to ddf2; here with the length and next header of ICMPv6.
test('a checksum folds every carry, and an odd byte is the higher half of a word', () => {
  const bytes = Uint8Array.of(0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7);
  expect(icmpv6Checksum(bytes, new Uint8Array())).toBe(~(0xddf2 + 58) & 0xffff);
  expect(icmpv6Checksum(new Uint8Array(), bytes)).toBe(~(0xddf2 + 58 + 8) & 0xffff);
  expect(icmpv6Checksum(new Uint8Array(), Uint8Array.of(1, 2, 3))).toBe(
    ~(0x0102 + 0x0300 + 58 + 3) & 0xffff,
  );
  // Folding once leaves a carry: 0xffff + 0x0001 and so on.
  const full = new Uint8Array(1280).fill(0xff);
  expect(icmpv6Checksum(full, full)).toBe(~(58 + 1280) & 0xffff);
});
