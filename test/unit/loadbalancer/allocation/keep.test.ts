import { expect, test } from '@jest/globals';
import { CONDITION_TYPE } from '../../../../src/loadbalancer/condition.ts';
import { patchOf } from '../../../../src/loadbalancer/status.ts';
import { lines, pool, run, service, settingsOf } from '../../../support/loadbalancer/balanced.ts';

const OFFICE = pool('office', '192.0.2.64/30 2001:db8::/126');
const SETTINGS = settingsOf([OFFICE]);

test('new Services get the lowest free addresses, older ones first', () => {
  const services = [
    service('c', { created: '2025' }),
    service('b', { created: '2026' }),
    service('a', { created: '2026' }),
    service('d', { created: '' }),
  ];
  expect(lines(run(SETTINGS, services))).toEqual([
    'default/a Assigned 192.0.2.66@office',
    'default/b Assigned 192.0.2.67@office',
    'default/c Assigned 192.0.2.65@office',
    'default/d Assigned 192.0.2.64@office',
  ]);
});

test('what a Service holds it keeps, whoever written by and however young', () => {
  const services = [service('old', { created: '2020' }), service('new', { has: '192.0.2.64' })];
  expect(lines(run(SETTINGS, services))).toEqual([
    'default/new Assigned 192.0.2.64@office',
    'default/old Assigned 192.0.2.65@office',
  ]);
});

test('of the status the first valid address of each wanted family counts', () => {
  const has = service('a', {
    families: '64',
    policy: 'PreferDualStack',
    status: {
      loadBalancer: {
        ingress: [
          { hostname: 'lb.example' },
          { ip: 'nonsense' },
          { ip: '192.0.2.67' },
          { ip: '192.0.2.66' },
          { ip: '2001:DB8::0003' },
        ],
      },
    },
  });
  const allocation = run(SETTINGS, [has]);
  expect(lines(allocation)).toEqual(['default/a Assigned 2001:db8::3@office 192.0.2.67@office']);
  expect(allocation.decisions.get('default/a')?.losses).toEqual([
    { address: '192.0.2.66', why: 'one of each family is given' },
  ]);
});

test('a family that is not wanted any more is released', () => {
  const has = service('a', { families: '46', has: '192.0.2.64 2001:db8::1' });
  const { decisions } = run(SETTINGS, [has]);
  expect(decisions.get('default/a')).toMatchObject({
    state: 'Assigned',
    addresses: [{ address: '192.0.2.64', pool: 'office' }],
    losses: [{ address: '2001:db8::1', why: 'IPv6 is not wanted' }],
  });
});

test("a Node's address and a cluster IP are taken away, an external IP and a neighbour's are not", () => {
  const other = service('z', {
    lbClass: null,
    spec: { clusterIPs: ['192.0.2.65'], externalIPs: ['192.0.2.66'] },
  });
  const services = ['64', '65', '66', '67'].map((last) =>
    service(`s${last}`, { has: `192.0.2.${last}`, reason: 'Assigned' }),
  );
  const allocation = run(SETTINGS, [...services, other], {
    nodes: new Map([['192.0.2.64', 'n1']]),
    foreignOwners: new Map([['192.0.2.67', '02:00:00:00:00:99']]),
  });
  expect(lines(allocation).slice(0, 4)).toEqual([
    'default/s64 Pending (PoolsExhausted)',
    'default/s65 Pending (PoolsExhausted)',
    'default/s66 Assigned 192.0.2.66@office',
    'default/s67 Assigned 192.0.2.67@office',
  ]);
  expect(allocation.decisions.get('default/s64')?.losses).toEqual([
    { address: '192.0.2.64', why: '192.0.2.64 is the address of Node n1' },
  ]);
  expect(allocation.decisions.get('default/s65')?.losses[0]?.why).toBe(
    '192.0.2.65 is the cluster IP of Service default/z',
  );
});

test('of two that have one address and may not share it the younger moves on', () => {
  const services = [
    service('old', { created: '2020', has: '192.0.2.64' }),
    service('new', { created: '2021', has: '192.0.2.64' }),
  ];
  const allocation = run(SETTINGS, services);
  expect(lines(allocation)).toEqual([
    'default/new Assigned 192.0.2.65@office',
    'default/old Assigned 192.0.2.64@office',
  ]);
  expect(allocation.decisions.get('default/new')?.losses[0]?.why).toContain('default/old holds');
});

test('a pool that drains, or gives on request only, takes nothing away', () => {
  const has = service('a', { has: '192.0.2.64', reason: 'Assigned' });
  for (const fields of [{ draining: true }, { autoAssign: false }]) {
    const settings = settingsOf([pool('office', '192.0.2.64/30', fields)]);
    expect(lines(run(settings, [has]))).toEqual(['default/a Assigned 192.0.2.64@office']);
  }
});

const ELSEWHERE = settingsOf([pool('lab', '198.51.100.0/30')]);
const REASSIGN = settingsOf([pool('lab', '198.51.100.0/30')], { outOfPool: 'Reassign' });
const NOT_MINE = settingsOf([
  pool('office', '192.0.2.64/30', { namespaces: ['team-a'] }),
  pool('lab', '198.51.100.0/30'),
]);
const ZERO = settingsOf([pool('office', '192.0.2.0/30', { skipZeroAnd255: true })]);

test.each([
  [
    'gone, ours, Keep',
    ELSEWHERE,
    '192.0.2.64',
    'Assigned',
    'Kept 192.0.2.64@- (AddressNotInPools)',
  ],
  ['gone, ours, Reassign', REASSIGN, '192.0.2.64', 'Assigned', 'Assigned 198.51.100.0@lab'],
  ['gone, not written by us', ELSEWHERE, '192.0.2.64', undefined, 'Assigned 198.51.100.0@lab'],
  ['not for it', NOT_MINE, '192.0.2.64', 'Assigned', 'Kept 192.0.2.64@- (PoolNotAllowed)'],
  ['left out as .0', ZERO, '192.0.2.0', 'Assigned', 'Kept 192.0.2.0@- (AddressNotInPools)'],
])('out of pool: %s', (_title, settings, has, reason, line) => {
  const held = service('a', { has, ...(reason === undefined ? {} : { reason }) });
  expect(lines(run(settings, [held]))).toEqual([`default/a ${line}`]);
  // What is kept, in no pool, is not given to another either.
  const asks = service('b', { spec: { loadBalancerIP: has } });
  expect(lines(run(settings, [held, asks]))[1]).toContain('default/b Pending');
});

test('out of pool is told as such', () => {
  const { decisions } = run(ELSEWHERE, [service('a', { has: '192.0.2.64', reason: 'Assigned' })]);
  expect(decisions.get('default/a')).toMatchObject({
    warning: 'AddressOutOfPool',
    message: '192.0.2.64 of no pool, kept: 192.0.2.64 is in no pool any more',
  });
});

test("a class-less Service whose addresses are in no pool is somebody else's", () => {
  const settings = settingsOf([OFFICE], {}, true);
  const foreign = { status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } };
  const named = { status: { loadBalancer: { ingress: [{ hostname: 'lb.example' }] } } };
  const services = [
    service('cloud', { lbClass: null, ...foreign }),
    service('name', { lbClass: null, ...named }),
    service('adopted', { lbClass: null, has: '192.0.2.66' }),
    service('fresh', { lbClass: null }),
    service('kept', { lbClass: null, has: '203.0.113.10', reason: 'Assigned' }),
    // Somebody wrote after we had said that there is nothing.
    service('late', { lbClass: null, has: '203.0.113.11', reason: 'PoolsExhausted' }),
  ];
  const late = services.at(-1)!;
  const pending = { ...late, conditions: late.conditions.map((c) => ({ ...c, status: 'False' })) };
  const allocation = run(settings, [...services.slice(0, -1), pending]);
  expect(lines(allocation)).toEqual([
    'default/adopted Assigned 192.0.2.66@office',
    'default/cloud Ignored',
    'default/fresh Assigned 192.0.2.64@office',
    'default/kept Kept 203.0.113.10@- (AddressNotInPools)',
    'default/late Released',
    'default/name Ignored',
  ]);
  expect(allocation.decisions.get('default/cloud')).toMatchObject({
    warning: 'AddressNotOurs',
    isOurs: false,
    isUntouched: true,
  });
});

test.each([
  ['an address', { ip: '203.0.113.9', ipMode: 'VIP' }],
  ['one behind a proxy of its own', { ip: '203.0.113.9', ipMode: 'Proxy' }],
  ['a host name', { hostname: 'lb.example' }],
])('where a cloud writes %s over ours, our condition goes, and all is its own', (_title, entry) => {
  const { conditions } = service('a', { has: '192.0.2.64', reason: 'Assigned' });
  const status = { loadBalancer: { ingress: [entry] }, conditions };
  const web = service('web', { lbClass: null, status });
  const allocation = run(settingsOf([OFFICE], {}, true), [web]);
  const decision = allocation.decisions.get('default/web')!;
  expect(decision).toMatchObject({ state: 'Released', isOurs: false, addresses: [], losses: [] });
  expect(patchOf(decision, '')?.status).toEqual({
    conditions: [{ $patch: 'delete', type: CONDITION_TYPE }],
  });
  const after = service('web', { lbClass: null, status: { ...status, conditions: [] } });
  expect(run(settingsOf([OFFICE], {}, true), [after]).decisions.get('default/web')).toMatchObject({
    warning: 'AddressNotOurs',
    isUntouched: true,
  });
});

test('a condition that the cloud has made untrue goes, and one that is true stays', () => {
  const { conditions } = service('a', { has: '192.0.2.64', reason: 'Assigned' });
  const classless = (name: string, ingress: readonly object[]) =>
    service(name, { lbClass: null, status: { loadBalancer: { ingress }, conditions } });
  const services = [
    // It went from our class to none by way of another type, faster than we could follow.
    classless('cleared', []),
    classless('others', [{ ip: '192.0.2.65', ipMode: 'VIP' }]),
    // As another load balancer of this kind, with other pools, would write it.
    classless('another', [{ ip: '192.0.2.64', ipMode: 'VIP' }]),
    service('free', {}),
    service('wants', { spec: { loadBalancerIP: '192.0.2.65' } }),
  ];
  const { decisions } = run(SETTINGS, services);
  const patches = [...decisions].map(([key, each]) => [key, patchOf(each, '')?.status.conditions]);
  const removal = [{ $patch: 'delete', type: CONDITION_TYPE }];
  expect(Object.fromEntries(patches)).toMatchObject({
    'default/another': undefined,
    'default/cleared': removal,
    'default/others': removal,
    'default/free': [{ message: '192.0.2.66 from pool office' }],
    'default/wants': [{ reason: 'AddressInUse' }],
  });
});

test('what Services of others have in their status is given to nobody', () => {
  const others = [
    service('cloud', { lbClass: 'example.com/cloud', has: '192.0.2.64' }),
    service('none', { lbClass: null, has: '192.0.2.65' }),
  ];
  const allocation = run(SETTINGS, [...others, service('a')]);
  expect(lines(allocation)).toEqual([
    'default/a Assigned 192.0.2.66@office',
    'default/cloud Ignored',
    'default/none Ignored',
  ]);
  expect(allocation.decisions.get('default/cloud')?.message).toBe(
    'its loadBalancerClass is example.com/cloud, ours is kube-ipvs.io/l2',
  );
});

test('a Service that is being deleted keeps what it has and gets nothing', () => {
  const metadata = (name: string) => ({
    metadata: { name, deletionTimestamp: '2026-11-30T12:00:00Z' },
  });
  const services = [
    service('a', { ...metadata('a'), has: '203.0.113.1' }),
    service('b', { ...metadata('b'), has: '192.0.2.64', spec: { loadBalancerIP: '192.0.2.65' } }),
    service('c', metadata('c')),
    service('d'),
  ];
  const allocation = run(SETTINGS, services);
  expect(lines(allocation)).toEqual([
    'default/a Assigned 203.0.113.1@-',
    'default/b Assigned 192.0.2.64@office',
    'default/c Pending',
    'default/d Assigned 192.0.2.65@office',
  ]);
  const untouched = ['a', 'b', 'c'].map((name) => allocation.decisions.get(`default/${name}`));
  expect(untouched.map((decision) => decision?.isUntouched)).toEqual([true, true, true]);
});

test('one that is of another type now is released, and its address is free', () => {
  const gone = { spec: { type: 'ClusterIP', loadBalancerClass: undefined } };
  const services = [
    service('condition', { ...gone, reason: 'Assigned' }),
    service('address', { ...gone, has: '192.0.2.64' }),
    service('never', gone),
    service('other', { ...gone, has: '203.0.113.1' }),
    service('new'),
  ];
  expect(lines(run(SETTINGS, services))).toEqual([
    'default/address Released',
    'default/condition Released',
    'default/new Assigned 192.0.2.64@office',
  ]);
});

test('one whose families nobody knows yet is left alone, and so is what it has', () => {
  const unknown = service('a', { families: '', has: '192.0.2.64' });
  const allocation = run(SETTINGS, [unknown, service('b')]);
  expect(lines(allocation)).toEqual(['default/a Pending', 'default/b Assigned 192.0.2.65@office']);
  expect(allocation.decisions.get('default/a')).toMatchObject({ isUntouched: true });
});

test('pools say how many of their addresses are used, each once', () => {
  const shared = { annotations: { 'kube-ipvs.io/share-key': 'k' } };
  const services = [
    service('a', { ...shared, ports: '80/TCP', has: '192.0.2.64' }),
    service('b', { ...shared, ports: '81/TCP', has: '192.0.2.64' }),
    service('c', { families: '6' }),
    service('d', { has: '203.0.113.1', reason: 'Assigned' }),
  ];
  const [use] = run(SETTINGS, services).pools;
  expect(use).toEqual({
    pool: OFFICE,
    families: { IPv4: { total: 4n, used: 1 }, IPv6: { total: 4n, used: 1 } },
  });
});
