import { expect, test } from '@jest/globals';
import { formatPrefix } from '../../../src/net/prefix.ts';
import { parseSloppyAddress, parseSloppyPrefix } from '../../../src/net/sloppy.ts';

// right-hand sides: what k8s.io/utils/net ParseIPSloppy and ParseCIDRSloppy print for the same text
test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['010.0.0.1', '10.0.0.1'],
  ['010.000.00.08', '10.0.0.8'],
  ['0000000010.0.0.0255', '10.0.0.255'],
  ['0.0.0.0', '0.0.0.0'],
  ['FD00::01', 'fd00::1'],
  ['fd00::00001', 'fd00::1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:010.0.0.01', '10.0.0.1'],
  ['::ffff:a00:1', '10.0.0.1'],
  ['0:0:0:0:0:ffff:10.0.0.1', '10.0.0.1'],
  ['::10.0.0.1', '::a00:1'],
])('%s is %s', (text, address) => {
  expect(parseSloppyAddress(text)).toBe(address);
});

test.each([
  '10.0.0.256',
  '10.0.0',
  '0x0a.0.0.1',
  '10.0.0.1/32',
  '',
  '00',
  'fe80::1%lo',
  '::ffff:10.0',
])('%j is no address', (text) => {
  expect(parseSloppyAddress(text)).toBeUndefined();
});

test.each([
  ['10.1.2.3/16', '10.1.0.0/16'],
  ['010.001.0.0/016', '10.1.0.0/16'],
  ['fd00::/064', 'fd00::/64'],
  ['::ffff:192.168.10.0/120', '192.168.10.0/24'],
  ['::ffff:192.168.010.7/128', '192.168.10.7/32'],
  ['::ffff:c0a8:a00/120', '192.168.10.0/24'],
  ['::ffff:0.0.0.0/96', '0.0.0.0/0'],
  ['::/0', '::/0'],
])('%s is %s', (text, prefix) => {
  expect(formatPrefix(parseSloppyPrefix(text)!)).toBe(prefix);
});

test.each([
  '10.0.0.0',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '::ffff:10.0.0.0/129',
  '::ffff:10.0.0.0/95',
  '::ffff:10.0.0.0/8',
])('%j is no prefix', (text) => {
  expect(parseSloppyPrefix(text)).toBeUndefined();
});
