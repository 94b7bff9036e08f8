import { expect, test } from '@jest/globals';
import { conntrackSysctls, missingHashSize } from '../../../src/config/conntrackSysctls.ts';
import type { ConntrackSettings } from '../../../src/config/resolve.ts';

const NOTHING: ConntrackSettings = {
  maxPerCore: 0,
  min: 131_072,
  tcpEstablishedTimeoutMs: 0,
  tcpCloseWaitTimeoutMs: 0,
  tcpBeLiberal: false,
  udpTimeoutMs: 0,
  udpStreamTimeoutMs: 0,
};

const of = (settings: Partial<ConntrackSettings>, cpus = 2) =>
  Object.fromEntries(conntrackSysctls({ ...NOTHING, ...settings }, cpus));

test('0 leaves everything alone, the minimum too', () => {
  expect(of({})).toEqual({});
});

test.each([
  [2, '131072'],
  [4, '131072'],
  [5, '163840'],
])('%i CPUs make the maximum %s', (cpus, max) => {
  expect(of({ maxPerCore: 32_768 }, cpus)).toEqual({ 'net/netfilter/nf_conntrack_max': max });
});

test('timeouts are whole seconds, never rounded to none', () => {
  const settings = {
    tcpEstablishedTimeoutMs: 86_400_000,
    tcpCloseWaitTimeoutMs: 1500,
    tcpBeLiberal: true,
    udpTimeoutMs: 1,
    udpStreamTimeoutMs: 180_000,
  };
  expect(of(settings)).toEqual({
    'net/netfilter/nf_conntrack_tcp_timeout_established': '86400',
    'net/netfilter/nf_conntrack_tcp_timeout_close_wait': '2',
    'net/netfilter/nf_conntrack_tcp_be_liberal': '1',
    'net/netfilter/nf_conntrack_udp_timeout': '1',
    'net/netfilter/nf_conntrack_udp_timeout_stream': '180',
  });
});

test.each([
  [131_072, 32_768, undefined],
  [131_072, 65_536, undefined],
  [131_072, 32_767, 32_768],
  [131_075, 1024, 32_768],
])('for %i connections %i buckets are made %s', (max, current, wanted) => {
  expect(missingHashSize(max, current)).toBe(wanted);
});
