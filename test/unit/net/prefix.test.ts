import { describe, expect, test } from '@jest/globals';
import {
  addressBits,
  formatPrefix,
  hostPrefix,
  parsePrefix,
  prefixContains,
  prefixOf,
} from '../../../src/net/prefix.ts';

describe('parsePrefix', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/32', '10.1.2.3/32'],
    ['255.255.255.255/0', '0.0.0.0/0'],
    ['10.0.0.255/25', '10.0.0.128/25'],
    ['FD00::1/64', 'fd00::/64'],
    ['fd00::1/128', 'fd00::1/128'],
    ['fd00::ffff/127', 'fd00::fffe/127'],
    ['::/0', '::/0'],
  ])('reads %s as %s', (text, canonical) => {
    expect(formatPrefix(parsePrefix(text)!)).toBe(canonical);
  });

  test.each([
    '',
    '/',
    '10.0.0.0',
    '10.0.0.0/',
    '/8',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/ 8',
    '10.0.0.0/8 ',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '10.0.0/8',
    'fd00::/129',
    'fd00::%eth0/64',
    '10.0.0.0/1e1',
  ])('refuses %j', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });
});

test('a prefix contains its own addresses and no others', () => {
  const prefix = parsePrefix('10.244.1.0/24')!;
  expect(prefixContains(prefix, '10.244.1.0')).toBe(true);
  expect(prefixContains(prefix, '10.244.1.255')).toBe(true);
  expect(prefixContains(prefix, '10.244.2.0')).toBe(false);
  expect(prefixContains(prefix, 'fd00::1')).toBe(false);
});

test('a prefix of length 0 contains its whole family and nothing of the other', () => {
  expect(prefixContains(parsePrefix('0.0.0.0/0')!, '203.0.113.9')).toBe(true);
  expect(prefixContains(parsePrefix('0.0.0.0/0')!, '::')).toBe(false);
  expect(prefixContains(parsePrefix('::/0')!, 'fd00::1')).toBe(true);
});

test('the prefix around an address clears the host bits', () => {
  expect(prefixOf('10.1.2.3', 12)).toEqual({ family: 'IPv4', address: '10.0.0.0', length: 12 });
  expect(prefixOf('fd00::1', 0)).toEqual({ family: 'IPv6', address: '::', length: 0 });
});

test('a host prefix has all bits of the family', () => {
  expect(hostPrefix('10.0.0.1')).toBe('10.0.0.1/32');
  expect(hostPrefix('fd00::1')).toBe('fd00::1/128');
  expect([addressBits('IPv4'), addressBits('IPv6')]).toEqual([32, 128]);
});
