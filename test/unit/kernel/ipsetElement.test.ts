import { expect, test } from '@jest/globals';
import type { IpSetType } from '../../../src/dataplane/state.ts';
import { elementOf, entryOf } from '../../../src/kernel/ipsetElement.ts';

const ENTRIES: Readonly<Record<IpSetType, readonly string[]>> = {
  'hash:ip': ['10.0.0.1', 'fd00::1', '::ffff:a00:1'],
  'hash:ip,port': ['10.0.0.1,tcp:80', 'fd00::1,udp:53', '10.0.0.1,112:0', 'fd00::1,58:128/0'],
  'hash:ip,port,ip': ['10.0.0.1,sctp:80,10.0.0.2', 'fd00::1,tcp:443,fd00::2'],
  'hash:ip,port,net': ['10.0.0.1,tcp:80,10.0.0.0/8', '10.0.0.1,tcp:80,10.0.0.9'],
  'hash:net': ['10.0.0.0/8', '10.0.0.1', 'fd00::/64'],
  'hash:net,port': ['10.0.0.0/8,tcp:80', 'fd00::/64,udp:53'],
  'bitmap:port': ['0', '30080', '65535'],
};
const CASES = Object.entries(ENTRIES) as [IpSetType, readonly string[]][];

test.each(CASES)('an entry of %s is what its element is called', (type, entries) => {
  expect(entries.map((entry) => entryOf(elementOf(type, entry)!))).toEqual(entries);
});

test('an element has the parts of its type', () => {
  expect(elementOf('hash:ip,port,net', '10.0.0.1,tcp:80,10.0.0.0/8')).toEqual({
    address: '10.0.0.1',
    protocol: 6,
    port: 80,
    secondAddress: '10.0.0.0',
    secondPrefixLength: 8,
  });
  expect(elementOf('hash:ip,port', 'fd00::1,58:128/1')).toEqual({
    address: 'fd00::1',
    protocol: 58,
    port: 0x8001,
  });
});

test.each<[IpSetType, string]>([
  ['hash:ip', '10.0.0.1-10.0.0.9'],
  ['hash:ip', '10.0.0.0/24'],
  ['hash:ip', 'localhost'],
  ['hash:ip', '10.0.0.1,tcp:80'],
  ['hash:ip,port', '10.0.0.1'],
  ['hash:ip,port', '10.0.0.1,http'],
  ['hash:ip,port', '10.0.0.1,tcp:65536'],
  ['hash:ip,port', '10.0.0.1,999:1'],
  ['hash:net', '10.0.0.0/255.0.0.0'],
  ['bitmap:port', '80-90'],
  ['bitmap:port', '65536'],
])('what is not of this form is left to the program: %s %s', (type, entry) => {
  expect(elementOf(type, entry)).toBeUndefined();
});
