import { expect, test } from '@jest/globals';
import {
  SET_DEFINITIONS,
  addressPortAddressEntry,
  addressPortEntry,
  addressPortPrefixEntries,
  compareEntries,
  prefixEntries,
  setCapacity,
  setName,
} from '../../../src/desired/ipsets.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';

test('IPv6 names get a 6 after the first KUBE- and are cut at 31 characters', () => {
  expect(setName('KUBE-CLUSTER-IP', 'IPv4')).toBe('KUBE-CLUSTER-IP');
  expect(setName('KUBE-CLUSTER-IP', 'IPv6')).toBe('KUBE-6-CLUSTER-IP');
  expect(setName('KUBE-LOAD-BALANCER-SOURCE-CIDR', 'IPv6')).toBe('KUBE-6-LOAD-BALANCER-SOURCE-CID');
  expect(setName('KUBE-NODE-PORT-LOCAL-SCTP-HASH', 'IPv6')).toBe('KUBE-6-NODE-PORT-LOCAL-SCTP-HAS');
});

test('no two sets share a name in either family, and no retired name is used', () => {
  const names = SET_DEFINITIONS.flatMap(({ name }) => [
    setName(name, 'IPv4'),
    setName(name, 'IPv6'),
  ]);
  expect(new Set(names).size).toBe(2 * SET_DEFINITIONS.length);
  expect(names.filter((name) => name.length > 31)).toEqual([]);
  expect(names).not.toContain('KUBE-NODE-PORT-SCTP');
  expect(names).not.toContain('KUBE-NODE-PORT-LOCAL-SCTP');
});

test("the first seventeen are kube-proxy's", () => {
  expect(SET_DEFINITIONS.slice(0, 17).map(({ name, type }) => `${name} ${type}`)).toEqual([
    'KUBE-LOOP-BACK hash:ip,port,ip',
    'KUBE-CLUSTER-IP hash:ip,port',
    'KUBE-EXTERNAL-IP hash:ip,port',
    'KUBE-EXTERNAL-IP-LOCAL hash:ip,port',
    'KUBE-LOAD-BALANCER hash:ip,port',
    'KUBE-LOAD-BALANCER-LOCAL hash:ip,port',
    'KUBE-LOAD-BALANCER-FW hash:ip,port',
    'KUBE-LOAD-BALANCER-SOURCE-IP hash:ip,port,ip',
    'KUBE-LOAD-BALANCER-SOURCE-CIDR hash:ip,port,net',
    'KUBE-NODE-PORT-TCP bitmap:port',
    'KUBE-NODE-PORT-LOCAL-TCP bitmap:port',
    'KUBE-NODE-PORT-UDP bitmap:port',
    'KUBE-NODE-PORT-LOCAL-UDP bitmap:port',
    'KUBE-NODE-PORT-SCTP-HASH hash:ip,port',
    'KUBE-NODE-PORT-LOCAL-SCTP-HASH hash:ip,port',
    'KUBE-HEALTH-CHECK-NODE-PORT bitmap:port',
    'KUBE-IPVS-IPS hash:ip',
  ]);
});

test('capacity starts where kube-proxy has it and leaves half as much again to grow', () => {
  expect(setCapacity('hash:ip,port', 0)).toBe(65_536);
  expect(setCapacity('hash:ip,port', 43_690)).toBe(65_536);
  expect(setCapacity('hash:ip,port', 43_691)).toBe(131_072);
  expect(setCapacity('hash:ip', 1_000_000)).toBe(2_097_152);
  expect(setCapacity('bitmap:port', 1_000_000)).toBeUndefined();
});

test('entries are written as ipset save prints them', () => {
  expect(addressPortEntry('10.0.0.1', 'SCTP', 80)).toBe('10.0.0.1,sctp:80');
  expect(addressPortEntry('fd00::1', 'UDP', 53)).toBe('fd00::1,udp:53');
  expect(addressPortAddressEntry('10.0.0.1', 'TCP', 80, '10.0.0.2')).toBe(
    '10.0.0.1,tcp:80,10.0.0.2',
  );
});

test.each([
  ['10.1.2.0/24', ['10.1.2.0/24']],
  ['10.1.2.3/32', ['10.1.2.3']],
  ['0.0.0.0/0', ['0.0.0.0/1', '128.0.0.0/1']],
  ['fd00::1/128', ['fd00::1']],
  ['fd00::/32', ['fd00::/32']],
  ['::/0', ['::/1', '8000::/1']],
])('the prefix %s becomes %j', (text, entries) => {
  const prefix = parsePrefix(text)!;
  expect(prefixEntries(prefix)).toEqual(entries);
  expect(addressPortPrefixEntries('1.2.3.4', 'TCP', 80, prefix)).toEqual(
    entries.map((entry) => `1.2.3.4,tcp:80,${entry}`),
  );
});

test('entries are listed by address and number, not by character', () => {
  const sorted = ['10.0.0.2,tcp:80', '10.0.0.10,tcp:80', '10.0.0.10,tcp:443', 'fd00::1,tcp:1'];
  expect(sorted.toReversed().toSorted(compareEntries)).toEqual(sorted);
  expect(['443', '80', '31000'].toSorted(compareEntries)).toEqual(['80', '443', '31000']);
  expect(['10.0.0.0/8', '0.0.0.0/1', '10.0.0.1'].toSorted(compareEntries)).toEqual([
    '0.0.0.0/1',
    '10.0.0.0/8',
    '10.0.0.1',
  ]);
});
