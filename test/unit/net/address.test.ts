import { describe, expect, test } from '@jest/globals';
import {
  addressFromBytes,
  addressToBytes,
  compareAddresses,
  familyOf,
  hostPortSortKey,
  isBroadcast,
  isIpv4Mapped,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isUnspecified,
  joinHostPort,
  parseAddress,
} from '../../../src/net/address.ts';

describe('parseAddress', () => {
  test.each([
    ['10.96.0.1', '10.96.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['FD00::00A1', 'fd00::a1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['fe80:0:0:0::', 'fe80::'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['::1.2.3.4', '::102:304'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical);
  });

  test.each([
    '',
    ' ',
    '10.96.0',
    '10.96.0.1.2',
    '10.96.0.256',
    '010.0.0.1',
    '10.0.0.01',
    '0x0a.0.0.1',
    '167772161',
    '10.0.0.1 ',
    ' 10.0.0.1',
    '10.0.0.1\n',
    '10.0.0.1/32',
    '10.0.0.-1',
    '1e1.0.0.1',
    '10..0.1',
    '.10.0.0.1',
    ':',
    ':::',
    '1::2::3',
    ':1::2',
    '1::2:',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '::00001',
    'fd00::g',
    'fd00::-1',
    'fe80::1%eth0',
    '[::1]',
    '::1\n',
    '::ffff:012.1.1.1',
    '::0x1.1.1.1',
    '::1.2.3',
    '::1.2.3.4.5',
    '1.2.3.4::',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.4:5',
    'localhost',
    'None',
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('bytes', () => {
  test('are in network order', () => {
    expect([...addressToBytes('10.96.0.1')]).toEqual([10, 96, 0, 1]);
    expect([...addressToBytes('fd00::a:1')]).toEqual([0xfd, ...Array(12).fill(0), 0x0a, 0, 1]);
  });

  test('give the canonical address back', () => {
    expect(addressFromBytes(Uint8Array.of(10, 96, 0, 1))).toBe('10.96.0.1');
    expect(addressFromBytes(new Uint8Array(16))).toBe('::');
  });

  test('of any other length are a bug of the caller', () => {
    expect(() => addressFromBytes(new Uint8Array(5))).toThrow('4 or 16 bytes, not 5');
  });

  test('are not made of something that is no address', () => {
    expect(() => addressToBytes('fd00::zz')).toThrow('not an address: fd00::zz');
  });
});

test('a family shows in the text', () => {
  expect(familyOf('10.0.0.1')).toBe('IPv4');
  expect(familyOf('::1')).toBe('IPv6');
});

test('a port joins an IPv6 address in brackets only', () => {
  expect(joinHostPort('10.0.0.1', 80)).toBe('10.0.0.1:80');
  expect(joinHostPort('fd00::1', 80)).toBe('[fd00::1]:80');
});

describe('special addresses', () => {
  test.each<[string, (address: string) => boolean, string[], string[]]>([
    ['unspecified', isUnspecified, ['0.0.0.0', '::'], ['0.0.0.1', '::1']],
    ['loopback', isLoopback, ['127.0.0.1', '127.255.0.3', '::1'], ['128.0.0.1', '12.7.0.1', '::2']],
    [
      'link-local',
      isLinkLocal,
      ['169.254.0.1', 'fe80::1', 'febf::1'],
      ['169.253.0.1', '169.25.4.1', 'fec0::1', 'fe7f::1', 'fe8::1'],
    ],
    [
      'multicast',
      isMulticast,
      ['224.0.0.1', '239.255.255.255', 'ff02::1'],
      ['223.0.0.1', '240.0.0.1', 'ff::1', 'fe80::1'],
    ],
    ['broadcast', isBroadcast, ['255.255.255.255'], ['255.255.255.254']],
    [
      'IPv4-mapped',
      isIpv4Mapped,
      ['::ffff:a00:1', '::ffff:0:0'],
      ['::a00:1', '::fffe:a00:1', '::1:ffff:a00:1', '10.0.0.1'],
    ],
  ])('%s', (_, is, yes, no) => {
    expect(yes.filter(is)).toEqual(yes);
    expect(no.filter(is)).toEqual([]);
  });
});

test('addresses sort by number, IPv4 before IPv6', () => {
  const sorted = ['9.0.0.1', '10.0.0.2', '10.0.0.10', '200.0.0.1', '::1', 'fd00::2', 'fd00::10'];
  expect(sorted.toReversed().toSorted(compareAddresses)).toEqual(sorted);
  expect(compareAddresses('10.0.0.1', '10.0.0.1')).toBe(0);
});

test('so do addresses with ports, by a text that is made once of each', () => {
  const sorted = [
    ['9.0.0.1', 65_535],
    ['10.0.0.2', 80],
    ['10.0.0.2', 443],
    ['10.0.0.10', 1],
  ] as const;
  const keys = sorted.map(([address, port]) => hostPortSortKey(address, port));
  expect(keys.toReversed().toSorted((a, b) => (a < b ? -1 : 1))).toEqual(keys);
  expect(hostPortSortKey('fd00::2', 1) < hostPortSortKey('fd00::10', 1)).toBe(true);
});
