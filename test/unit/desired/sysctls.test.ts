import { expect, test } from '@jest/globals';
import { desiredSysctls } from '../../../src/desired/sysctls.ts';

test('what IPVS needs, and nothing about ARP unless asked for', () => {
  expect(Object.fromEntries(desiredSysctls({ strictArp: false }, '6.1.0-18-amd64'))).toEqual({
    'net/ipv4/vs/conntrack': '1',
    'net/ipv4/vs/expire_nodest_conn': '1',
    'net/ipv4/vs/expire_quiescent_template': '1',
    'net/ipv4/ip_forward': '1',
  });
});

test('strictARP adds its two', () => {
  const sysctls = desiredSysctls({ strictArp: true }, '6.1.0');
  expect(sysctls.get('net/ipv4/conf/all/arp_ignore')).toBe('1');
  expect(sysctls.get('net/ipv4/conf/all/arp_announce')).toBe('2');
});

test.each([
  ['3.10.0-1160.el7', undefined],
  ['4.0.9', undefined],
  ['4.1.0', '0'],
  ['4.19.128', '0'],
  ['5.8.18', '0'],
  ['5.9.0', undefined],
  ['5.10.0', undefined],
  ['6.18', undefined],
  ['unreadable', undefined],
])('conn_reuse_mode on kernel %s: %s (kubernetes issue 93297)', (version, value) => {
  const sysctls = desiredSysctls({ strictArp: false }, version);
  expect(sysctls.get('net/ipv4/vs/conn_reuse_mode')).toBe(value);
});
