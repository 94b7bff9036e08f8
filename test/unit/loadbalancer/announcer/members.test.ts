import { expect, test } from '@jest/globals';
import { membersOf } from '../../../../src/loadbalancer/announcer/members.ts';
import type { NodeResource } from '../../../../src/model/resources.ts';
import { pool } from '../../../support/loadbalancer/balanced.ts';
import { member } from '../../../support/loadbalancer/announcing.ts';

const node = (name: string, labels: Record<string, string> = {}): NodeResource => ({
  name,
  addresses: ['10.0.0.1', '203.0.113.1'],
  externalAddresses: ['203.0.113.1'],
  podCIDRs: [],
  isLeaving: false,
  announcing: { ...member('n1').announcing, labels },
});

const entry = (role?: string) => ({
  nodeSelectors: role === undefined ? [] : [{ matchLabels: { role } }],
  serviceSelectors: [],
  interfaces: [],
  preferredNodes: [],
});

const names = (...announce: readonly ReturnType<typeof entry>[]) =>
  membersOf(
    [node('n1', { role: 'edge' }), node('n2')],
    [pool('a', '192.0.2.1', { announce }), pool('b', '192.0.2.2')],
  ).map(({ name }) => name);

test('those that some pool is announced by', () => {
  expect(names(entry('edge'))).toEqual(['n1']);
  expect(names(entry('edge'), entry())).toEqual(['n1', 'n2']);
  expect(names()).toEqual([]);
});

test('without pools all of them, with the addresses that heartbeats go to', () => {
  const [first] = membersOf([node('n1')], []);
  expect(first).toMatchObject({ name: 'n1', addresses: ['10.0.0.1'] });
});

test('a Node of which nothing is known is none', () => {
  const { announcing: _, ...unread } = node('n1');
  expect(membersOf([unread], [])).toEqual([]);
});
