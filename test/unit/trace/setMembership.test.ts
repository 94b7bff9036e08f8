/**
 * Entries are those that `ipset save` prints; each type is asked with what it holds and with its
 * next neighbours.
 */
import { describe, expect, test } from '@jest/globals';
import type { IpSet, IpSetType } from '../../../src/dataplane/state.ts';
import type { Directions } from '../../../src/trace/rule.ts';
import { type Facts, isInSet } from '../../../src/trace/setMembership.ts';

const facts: Facts = {
  source: '10.244.1.5',
  destination: '10.96.0.1',
  protocol: 'TCP',
  port: 80,
};
const facts6: Facts = {
  source: 'fd00:244::5',
  destination: 'fd00:96::1',
  protocol: 'UDP',
  port: 53,
};

function set(type: IpSetType, ...entries: readonly string[]): IpSet {
  return { name: 'S', type, family: 'IPv4', entries: new Set(entries) };
}

interface Case {
  readonly type: IpSetType;
  readonly dirs: Directions;
  readonly inside: string;
  readonly beside: readonly string[];
  readonly asked?: Facts;
}

describe.each<Case>([
  { type: 'hash:ip', dirs: ['dst'], inside: '10.96.0.1', beside: ['10.96.0.2', '10.244.1.5'] },
  { type: 'hash:ip', dirs: ['src'], inside: '10.244.1.5', beside: ['10.96.0.1'] },
  {
    type: 'hash:ip,port',
    dirs: ['dst', 'dst'],
    inside: '10.96.0.1,tcp:80',
    beside: ['10.96.0.1,udp:80', '10.96.0.1,tcp:81', '10.96.0.2,tcp:80', '10.244.1.5,tcp:80'],
  },
  {
    type: 'hash:ip,port',
    dirs: ['src', 'dst'],
    inside: '10.244.1.5,tcp:80',
    beside: ['10.96.0.1,tcp:80'],
  },
  {
    type: 'hash:ip,port',
    dirs: ['dst', 'dst'],
    inside: 'fd00:96::1,udp:53',
    beside: ['fd00:96::2,udp:53'],
    asked: facts6,
  },
  {
    type: 'hash:ip,port,ip',
    dirs: ['dst', 'dst', 'src'],
    inside: '10.96.0.1,tcp:80,10.244.1.5',
    beside: ['10.96.0.1,tcp:80,10.96.0.1', '10.244.1.5,tcp:80,10.244.1.5'],
  },
  {
    type: 'hash:ip,port,ip',
    dirs: ['src', 'dst', 'dst'],
    inside: '10.244.1.5,tcp:80,10.96.0.1',
    beside: ['10.96.0.1,tcp:80,10.96.0.1', '10.244.1.5,tcp:80,10.244.1.5'],
  },
  {
    type: 'hash:ip,port,net',
    dirs: ['dst', 'dst', 'src'],
    inside: '10.96.0.1,tcp:80,10.244.0.0/16',
    beside: ['10.96.0.1,tcp:80,10.243.0.0/16', '10.96.0.1,tcp:81,10.244.0.0/16'],
  },
  {
    type: 'hash:ip,port,net',
    dirs: ['dst', 'dst', 'src'],
    inside: '10.96.0.1,tcp:80,10.244.1.5',
    beside: ['10.96.0.1,tcp:80,10.244.1.4', '10.96.0.1,tcp:80,10.244.1.6/31'],
  },
  {
    type: 'hash:net,port',
    dirs: ['dst', 'dst'],
    inside: '10.96.0.0/12,tcp:80',
    beside: ['10.96.0.0/12,udp:80', '10.96.0.0/12,tcp:8080', '10.244.0.0/16,tcp:80'],
  },
  { type: 'hash:net', dirs: ['src'], inside: '10.244.0.0/16', beside: ['10.96.0.0/12'] },
  { type: 'hash:net', dirs: ['dst'], inside: '10.96.0.0/12', beside: ['10.244.0.0/16'] },
  {
    type: 'hash:net',
    dirs: ['src'],
    inside: 'fd00:244::5',
    beside: ['fd00:244::4', 'fd00:244::6/127', '10.0.0.0/8'],
    asked: facts6,
  },
  { type: 'bitmap:port', dirs: ['dst'], inside: '80', beside: ['8', '800', '81'] },
])('$type $dirs', ({ type, dirs, inside, beside, asked = facts }) => {
  test(`${inside} holds it, among others too`, () => {
    expect(isInSet(set(type, inside), dirs, asked)).toBe(true);
    expect(isInSet(set(type, ...beside, inside), dirs, asked)).toBe(true);
  });

  test(`${beside.join(' ')} do not, nor does an empty set`, () => {
    expect(isInSet(set(type, ...beside), dirs, asked)).toBe(false);
    expect(isInSet(set(type), dirs, asked)).toBe(false);
  });
});

test.each<[IpSetType, Directions]>([
  ['bitmap:port', ['src']],
  ['hash:ip,port', ['src', 'src']],
  ['hash:ip,port,net', ['dst', 'src', 'src']],
])('a source port is not known: %s %j is an error', (type, dirs) => {
  expect(() => isInSet(set(type), dirs, facts)).toThrow(
    `destination ports only: S ${dirs.join(',')}`,
  );
});
