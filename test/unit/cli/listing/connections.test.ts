/** The connection table of a 6.1 kernel and what ipvsadm 1.31 made of it. */
import { expect, test } from '@jest/globals';
import { connectionAddresses, formatConnections } from '../../../../src/cli/listing/connections.ts';
import { NUMERIC } from '../../../../src/cli/listing/names.ts';

const TABLE = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP fd00:0172:0016:0000:0000:0000:0000:0002 9AD2 fd00:0010:0096:0000:0000:0000:0000:0001 01BB fd00:0010:0244:0002:0000:0000:0000:0002 192B TIME_WAIT       110
TCP AC100002 C350 0A600001 01BB 0AF40202 192B TIME_WAIT       112
TCP AC100002 B89E C0A86407 0050 0AF40102 0050 SYN_RECV         39
TCP AC100002 0000 0A600001 01BB 0AF40202 192B ASSURED       10795
IP  AC100002 0000 0000000A 0000 0AF40202 0000 ASSURED         295
UDP AC100002 0000 0A600A3C 13C4 0AF40102 13C4 ASSURED          38 sip abcdef0123@host
`;

test('connections, templates, marks and engine data', () => {
  expect(formatConnections(TABLE, true, NUMERIC).split('\n')).toEqual([
    'IPVS connection entries',
    'pro expire state       source             virtual            destination        pe name          pe_data',
    'TCP 01:50  TIME_WAIT   [fd00:172:16::2]:39634 [fd00:10:96::1]:443 [fd00:10:244:2::2]:6443',
    'TCP 01:52  TIME_WAIT   172.16.0.2:50000   10.96.0.1:443      10.244.2.2:6443',
    'TCP 00:39  SYN_RECV    172.16.0.2:47262   192.168.100.7:80   10.244.1.2:80',
    'TCP 179:55 ASSURED     172.16.0.2:0       10.96.0.1:443      10.244.2.2:6443',
    'IP  04:55  ASSURED     172.16.0.2:0       0.0.0.10:0         10.244.2.2:0',
    'UDP 00:38  ASSURED     172.16.0.2:0       10.96.10.60:5060   10.244.1.2:5060  sip                abcdef0123@host',
    '',
  ]);
});

test('without the extra columns an engine is not mentioned', () => {
  const text = formatConnections(TABLE, false, NUMERIC);
  expect(text).toContain('source             virtual            destination\n');
  expect(text).toContain('10.96.10.60:5060   10.244.1.2:5060\n');
});

test('an empty table is its two titles', () => {
  expect(formatConnections(TABLE.slice(0, TABLE.indexOf('\n') + 1), false, NUMERIC)).toBe(
    'IPVS connection entries\npro expire state       source             virtual            destination\n',
  );
});

test('the addresses to look up', () => {
  expect(connectionAddresses(TABLE).slice(0, 4)).toEqual([
    'fd00:172:16::2',
    'fd00:10:96::1',
    'fd00:10:244:2::2',
    '172.16.0.2',
  ]);
});
