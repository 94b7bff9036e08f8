import { expect, test } from '@jest/globals';
import { givenText, notOurs } from '../../../src/loadbalancer/notOurs.ts';
import {
  pool,
  service,
  type ServiceWords,
  settingsOf,
} from '../../support/loadbalancer/balanced.ts';

const OFFICE = pool('office', '192.0.2.64/30');

const services = (words: Readonly<Record<string, ServiceWords>>) =>
  new Map(
    Object.entries(words).map(([name, each]) => [
      `default/${name}`,
      { balanced: service(name, each) },
    ]),
  );

const CLUSTER = services({
  ours: { has: '192.0.2.64', reason: 'Assigned' },
  pending: {},
  written: { has: '203.0.113.9' },
  cloud: { lbClass: null, has: '198.51.100.1' },
  others: { lbClass: 'example.com/lb' },
  plain: { lbClass: null, spec: { type: 'ClusterIP' } },
});

test('what is not ours is told with what it has and why, by name', () => {
  expect(notOurs(CLUSTER, settingsOf([OFFICE]))).toEqual([
    {
      service: 'default/cloud',
      ingress: [{ ip: '198.51.100.1', ipMode: 'VIP' }],
      why: 'it has no loadBalancerClass, and serveUnclassed is false',
    },
    {
      service: 'default/others',
      ingress: [],
      why: 'its loadBalancerClass is example.com/lb, ours is kube-ipvs.io/l2',
    },
    {
      service: 'default/written',
      ingress: [{ ip: '203.0.113.9', ipMode: 'VIP' }],
      why: 'its status was written by somebody else',
    },
  ]);
});

test("a class-less one is somebody else's where its status is", () => {
  const found = notOurs(CLUSTER, settingsOf([OFFICE], {}, true));
  expect(found.map(({ service: key, why }) => `${key}: ${why}`)).toEqual([
    'default/cloud: its status was written by somebody else',
    'default/others: its loadBalancerClass is example.com/lb, ours is kube-ipvs.io/l2',
    'default/written: its status was written by somebody else',
  ]);
});

test.each([
  [[], 'no address yet'],
  [[{ ip: '198.51.100.1' }], '198.51.100.1, given by somebody else'],
  [
    [{ ip: '198.51.100.1', ipMode: 'Proxy' }, { hostname: 'lb.example' }],
    '198.51.100.1 (Proxy), lb.example, given by somebody else',
  ],
  [[{}], 'an entry without address, given by somebody else'],
])('%j is %s', (ingress, text) => {
  expect(givenText(ingress)).toBe(text);
});
