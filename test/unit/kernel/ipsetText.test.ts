import { expect, test } from '@jest/globals';
import { addLine, createLine, removeLine } from '../../../src/kernel/ipsetText.ts';
import { canonicalEntry, parseSave } from '../../support/lab/ipsetSave.ts';

test('a save is read whatever the kernel adds to it', () => {
  const sets =
    parseSave(`create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x2900d3ce
add KUBE-CLUSTER-IP 10.96.0.1,tcp:443
add KUBE-CLUSTER-IP 10.96.0.10,udp:53
create KUBE-6-LOAD-BALANCER-SOURCE-CID hash:ip,port,net family inet6 hashsize 1024 maxelem 131072 timeout 0
add KUBE-6-LOAD-BALANCER-SOURCE-CID fd00::1,sctp:80,fd00::/64 timeout 0
create KUBE-NODE-PORT-TCP bitmap:port range 0-65535
add KUBE-NODE-PORT-TCP 30080
create KUBE-6-NODE-PORT-TCP bitmap:port range 0-65535
`);
  expect([...sets.values()]).toEqual([
    {
      name: 'KUBE-CLUSTER-IP',
      type: 'hash:ip,port',
      family: 'IPv4',
      maxElements: 65_536,
      entries: new Set(['10.96.0.1,tcp:443', '10.96.0.10,udp:53']),
    },
    {
      name: 'KUBE-6-LOAD-BALANCER-SOURCE-CID',
      type: 'hash:ip,port,net',
      family: 'IPv6',
      maxElements: 131_072,
      entries: new Set(['fd00::1,sctp:80,fd00::/64']),
    },
    {
      name: 'KUBE-NODE-PORT-TCP',
      type: 'bitmap:port',
      family: 'IPv4',
      entries: new Set(['30080']),
    },
    { name: 'KUBE-6-NODE-PORT-TCP', type: 'bitmap:port', family: 'IPv6', entries: new Set() },
  ]);
});

test('entries have one form, however they were written', () => {
  for (const [found, canonical] of [
    ['10.0.0.1,6:80', '10.0.0.1,tcp:80'],
    ['10.0.0.1,132:80,10.0.0.1/32', '10.0.0.1,sctp:80,10.0.0.1'],
    ['10.0.0.1,tcp:80,10.0.0.0/8', '10.0.0.1,tcp:80,10.0.0.0/8'],
    ['fd00::1,17:53,fd00::1/128', 'fd00::1,udp:53,fd00::1'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['30080', '30080'],
    ['10.0.0.1,47:0', '10.0.0.1,47:0'],
  ] as const)
    expect(canonicalEntry(found)).toBe(canonical);
});

test('lines carry protocol numbers and tolerate what is there already', () => {
  expect(addLine('A', '10.0.0.1,tcp:80')).toBe('add -exist A 10.0.0.1,6:80');
  expect(addLine('A', 'fd00::1,udp:53,fd00::2')).toBe('add -exist A fd00::1,17:53,fd00::2');
  expect(removeLine('A', '10.0.0.1,sctp:80,10.0.0.0/8')).toBe(
    'del -exist A 10.0.0.1,132:80,10.0.0.0/8',
  );
  expect(addLine('A', '30080')).toBe('add -exist A 30080');
});

test('sets are created with their family and capacity, bitmaps with the whole range', () => {
  const hash = { name: 'A', type: 'hash:ip,port', family: 'IPv6', maxElements: 100_000 } as const;
  expect(createLine(hash)).toBe('create -exist A hash:ip,port family inet6 maxelem 100000');
  expect(createLine(hash, 'B')).toBe('create -exist B hash:ip,port family inet6 maxelem 100000');
  expect(createLine({ name: 'C', type: 'bitmap:port', family: 'IPv6' })).toBe(
    'create -exist C bitmap:port range 0-65535',
  );
});

test('nothing that could be a second command gets into a line', () => {
  for (const entry of ['10.0.0.1\nflush', '10.0.0.1 10.0.0.2', '10.0.0.1#', '"', ''])
    expect(() => addLine('A', entry)).toThrow(TypeError);
});
