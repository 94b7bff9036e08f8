import { expect, test } from '@jest/globals';
import {
  lines,
  pool,
  run,
  service,
  settingsOf,
  type ServiceWords,
} from '../../../support/loadbalancer/balanced.ts';

const one = (last: number) => `192.0.2.${last}/32`;

/** In which order so many Services are served, by the pools that they come to. */
function order(settings: ReturnType<typeof settingsOf>, count: number, words: ServiceWords = {}) {
  const services = Array.from({ length: count }, (_, i) => service(`s${i}`, words));
  const { decisions } = run(settings, services, {
    namespaces: new Map([['default', { env: 'prod' }]]),
  });
  return [...decisions.values()].map(({ addresses, cause }) => addresses[0]?.pool ?? cause);
}

test('pools are used by priority, those without one last, equal ones as written', () => {
  const settings = settingsOf([
    pool('none', one(1)),
    pool('ten', one(2), { priority: 10 }),
    pool('one', one(3), { priority: 1 }),
    pool('ten-too', one(4), { priority: 10 }),
    pool('hidden', one(5), { priority: 1, autoAssign: false }),
    pool('draining', one(6), { priority: 1, draining: true }),
  ]);
  expect(order(settings, 5)).toEqual(['one', 'ten', 'ten-too', 'none', 'PoolsExhausted']);
});

const RESTRICTED = [
  pool('open', one(1), { priority: 1 }),
  pool('named', one(2), { namespaces: ['default'], priority: 3 }),
  pool('selected', one(3), {
    namespaceSelectors: [{ matchLabels: { env: 'prod' } }],
    priority: 2,
  }),
  pool('web', one(4), { serviceSelectors: [{ matchLabels: { tier: 'web' } }] }),
  pool('other', one(5), { namespaces: ['other'] }),
];

test('restricted pools that match go before the others, which then serve as fallback or never', () => {
  expect(order(settingsOf(RESTRICTED), 3)).toEqual(['selected', 'named', 'PoolsExhausted']);
  const falling = settingsOf(RESTRICTED, { fallback: 'WhenExhausted' });
  expect(order(falling, 4)).toEqual(['selected', 'named', 'open', 'PoolsExhausted']);
  expect(order(falling, 1, { namespace: 'x' })).toEqual(['open']);
  expect(order(settingsOf(RESTRICTED), 3, { labels: { tier: 'web' } })).toEqual([
    'selected',
    'named',
    'web',
  ]);
});

test('a Service has to match the namespaces and the Services that a pool names', () => {
  const fields = {
    namespaces: ['team-a'],
    namespaceSelectors: [{ matchLabels: { env: 'prod' } }],
    serviceSelectors: [
      { matchLabels: { tier: 'web' } },
      { matchExpressions: [{ key: 'tier', operator: 'Exists' as const }] },
    ],
  };
  const settings = settingsOf([pool('both', '192.0.2.0/24', fields)]);
  expect(order(settings, 1)).toEqual(['NoPoolForService']);
  expect(order(settings, 1, { labels: { tier: 'db' } })).toEqual(['both']);
  expect(order(settings, 1, { namespace: 'team-a', labels: { tier: 'web' } })).toEqual(['both']);
  expect(order(settings, 1, { namespace: 'b', labels: { tier: 'web' } })).toEqual([
    'NoPoolForService',
  ]);
});

test('selectors see the name and the namespace of a Service, and the name of its namespace', () => {
  const byName = { matchLabels: { 'kube-ipvs.io/name': 's0', 'kube-ipvs.io/namespace': 'n' } };
  const settings = settingsOf([
    pool('one', '192.0.2.0/24', { serviceSelectors: [byName] }),
    pool('namespace', '192.0.3.0/24', {
      namespaceSelectors: [{ matchLabels: { 'kubernetes.io/metadata.name': 'n' } }],
      priority: 1,
      autoAssign: false,
    }),
  ]);
  expect(order(settings, 2, { namespace: 'n' })).toEqual(['one', 'NoPoolForService']);
  const annotations = { 'kube-ipvs.io/address-pool': 'namespace' };
  expect(order(settings, 1, { namespace: 'n', annotations })).toEqual(['namespace']);
  expect(order(settings, 1, { annotations })).toEqual(['PoolNotAllowed']);
});

test('a list of selectors that is empty admits nobody', () => {
  for (const key of ['namespaces', 'namespaceSelectors', 'serviceSelectors'] as const)
    expect(order(settingsOf([pool('p', '192.0.2.0/24', { [key]: [] })]), 1)).toEqual([
      'NoPoolForService',
    ]);
});

test('pools that are asked for are used in the order in which they are asked for', () => {
  const settings = settingsOf([
    pool('a', one(1)),
    pool('b', one(2), { autoAssign: false }),
    pool('c', one(3), { draining: true }),
  ]);
  const annotations = { 'purelb.io/service-group': 'c, b ,a' };
  expect(order(settings, 3, { annotations })).toEqual(['b', 'a', 'PoolsExhausted']);
});

const DUAL: ServiceWords = { families: '46', policy: 'RequireDualStack' };
const PREFER: ServiceWords = { families: '64', policy: 'PreferDualStack' };

test('both families come from the first pool that has both', () => {
  const settings = settingsOf([
    pool('four', '192.0.2.0/24'),
    pool('both', '198.51.100.0/31 2001:db8::/127'),
    pool('six', '2001:db8:1::/64'),
  ]);
  const services = ['a', 'b', 'c'].map((name) => service(name, DUAL));
  expect(lines(run(settings, services))).toEqual([
    'default/a Assigned 198.51.100.0@both 2001:db8::@both',
    'default/b Assigned 198.51.100.1@both 2001:db8::1@both',
    'default/c Assigned 192.0.2.0@four 2001:db8:1::@six',
  ]);
});

test('an additional family prefers the pool of the address that is there', () => {
  const settings = settingsOf([
    pool('first', '192.0.2.0/31 2001:db8::/127'),
    pool('second', '198.51.100.0/31 2001:db8:1::/127'),
  ]);
  const services = [
    service('held', { ...DUAL, has: '198.51.100.0' }),
    service('asked', { ...DUAL, spec: { loadBalancerIP: '198.51.100.1' } }),
    service('single', { ...DUAL, has: '203.0.113.1', reason: 'Assigned' }),
  ];
  expect(lines(run(settings, services))).toEqual([
    'default/asked Assigned 198.51.100.1@second 2001:db8:1::@second',
    'default/held Assigned 198.51.100.0@second 2001:db8:1::1@second',
    'default/single Kept 203.0.113.1@- 2001:db8::@first (AddressNotInPools)',
  ]);
});

test('PreferDualStack takes what there is, in its own order', () => {
  const settings = settingsOf([pool('office', '192.0.2.0/31 2001:db8::/128')]);
  const services = ['a', 'b', 'c'].map((name) => service(name, PREFER));
  const allocation = run(settings, services);
  expect(lines(allocation)).toEqual([
    'default/a Assigned 2001:db8::@office 192.0.2.0@office',
    'default/b Partial 192.0.2.1@office (FamilyUnavailable)',
    'default/c Pending (PoolsExhausted)',
  ]);
  expect(allocation.decisions.get('default/b')?.message).toBe(
    '192.0.2.1 from pool office; IPv6 is missing: IPv6 cannot be had: no IPv6 address is free: office has 1',
  );
});

test('RequireDualStack takes both or nothing, and nobody waits for what it does not take', () => {
  const settings = settingsOf([pool('office', '192.0.2.0/31 2001:db8::/128')]);
  const wants = (address: string) => ({ spec: { loadBalancerIP: address } });
  const services = [
    service('a', { ...DUAL, created: '2020', ...wants('192.0.2.0') }),
    service('b', { created: '2021', families: '6', ...wants('2001:db8::') }),
    service('c', { created: '2022', ...wants('192.0.2.0') }),
  ];
  expect(lines(run(settings, services))).toEqual([
    'default/a Pending (AddressInUse)',
    'default/b Assigned 2001:db8::@office',
    'default/c Assigned 192.0.2.0@office',
  ]);
});

test('RequireDualStack with one of two keeps that, with a warning', () => {
  const settings = settingsOf([pool('office', '192.0.2.0/31')]);
  const { decisions } = run(settings, [service('a', { ...DUAL, has: '192.0.2.1' })]);
  expect(decisions.get('default/a')).toMatchObject({
    state: 'Kept',
    cause: 'FamilyUnavailable',
    warning: 'AddressKept',
    addresses: [{ address: '192.0.2.1', pool: 'office' }],
  });
});

test('SingleStack has the first of its families only', () => {
  const settings = settingsOf([pool('office', '192.0.2.0/31 2001:db8::/127')]);
  expect(lines(run(settings, [service('a', { families: '64' })]))).toEqual([
    'default/a Assigned 2001:db8::@office',
  ]);
});

test('what is reserved or taken by others is passed over', () => {
  const settings = settingsOf([pool('office', '192.0.2.0/24', { skipZeroAnd255: true })]);
  const services = [
    service('cluster', { lbClass: null, spec: { clusterIPs: ['192.0.2.1'] } }),
    service('external', { lbClass: null, spec: { externalIPs: ['192.0.2.002'] } }),
    service('other', { lbClass: null, has: '::ffff:192.0.2.3' }),
    service('new'),
  ];
  const around = {
    nodes: new Map([['192.0.2.4', 'n1']]),
    foreignOwners: new Map([['192.0.2.5', '02:00:00:00:00:99']]),
  };
  expect(lines(run(settings, services, around))).toContain('default/new Assigned 192.0.2.6@office');
});
