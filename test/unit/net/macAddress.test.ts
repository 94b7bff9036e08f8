import { expect, test } from '@jest/globals';
import {
  BROADCAST_MAC,
  isUnicastMac,
  macFromBytes,
  macToBytes,
  parseMac,
  ZERO_MAC,
} from '../../../src/net/macAddress.ts';

test('an address is read in either case and written in lower case', () => {
  expect(parseMac('02:00:5E:10:00:0a')).toBe('02:00:5e:10:00:0a');
  expect(macFromBytes(Uint8Array.of(2, 0, 0x5e, 0x10, 0, 0xa))).toBe('02:00:5e:10:00:0a');
  expect([...macToBytes('02:00:5e:10:00:0a')]).toEqual([2, 0, 0x5e, 0x10, 0, 0xa]);
});

test.each(['', '02:00:5e:10:00', '02:00:5e:10:00:0a:0b', '02-00-5e-10-00-0a', '2:0:5e:10:0:a'])(
  'what is none is refused: %j',
  (text) => {
    expect(parseMac(text)).toBeUndefined();
    expect(() => macToBytes(text)).toThrow(RangeError);
  },
);

test.each([0, 5, 7])('%d bytes are none', (count) => {
  expect(() => macFromBytes(new Uint8Array(count))).toThrow(RangeError);
});

test('neither groups nor zero are of one interface', () => {
  expect(isUnicastMac('02:00:00:00:00:01')).toBe(true);
  expect(isUnicastMac('fe:ff:ff:ff:ff:ff')).toBe(true);
  for (const mac of [BROADCAST_MAC, ZERO_MAC, '33:33:00:00:00:01', '01:00:5e:00:00:01']) {
    expect(isUnicastMac(mac)).toBe(false);
  }
});
