import { expect, test } from '@jest/globals';
import { lines, pool, run, service, settingsOf } from '../../../support/loadbalancer/balanced.ts';

const SETTINGS = settingsOf([
  pool('office', '192.0.2.64/30 2001:db8::/126'),
  pool('lab', '198.51.100.0/31'),
]);

const at = (last: number) => `192.0.2.${last}`;
const moving = (name: string, from: string, to: string, created = '2026') =>
  service(name, { created, has: from, reason: 'Assigned', spec: { loadBalancerIP: to } });

test('a Service moves to the address that it asks for', () => {
  const allocation = run(SETTINGS, [moving('a', at(64), at(67))]);
  expect(lines(allocation)).toEqual(['default/a Assigned 192.0.2.67@office']);
  expect(allocation.decisions.get('default/a')?.losses).toEqual([
    { address: '192.0.2.64', why: 'the Service asks for 192.0.2.67' },
  ]);
});

test('a Service moves to the pool that it asks for', () => {
  const annotations = { 'metallb.io/address-pool': 'lab' };
  const a = service('a', { has: at(64), reason: 'Assigned', annotations });
  expect(lines(run(SETTINGS, [a]))).toEqual(['default/a Assigned 198.51.100.0@lab']);
});

test('two swap, and three in a circle', () => {
  const two = [moving('a', at(64), at(65)), moving('b', at(65), at(64))];
  expect(lines(run(SETTINGS, two))).toEqual([
    'default/a Assigned 192.0.2.65@office',
    'default/b Assigned 192.0.2.64@office',
  ]);
  const three = [
    moving('a', at(64), at(65)),
    moving('b', at(65), at(66)),
    moving('c', at(66), at(64)),
  ];
  expect(lines(run(SETTINGS, three))).toEqual([
    'default/a Assigned 192.0.2.65@office',
    'default/b Assigned 192.0.2.66@office',
    'default/c Assigned 192.0.2.64@office',
  ]);
});

test.each([
  ['192.0.2.300', 'InvalidRequest'],
  ['203.0.113.1', 'AddressNotInPools'],
  ['2001:db8::1', 'FamilyMismatch'],
  [at(66), 'AddressInUse'],
])('a wish for %s that cannot be met costs nothing', (to, cause) => {
  const allocation = run(SETTINGS, [moving('a', at(64), to), service('b', { has: at(66) })]);
  expect(lines(allocation)[0]).toBe(`default/a Kept 192.0.2.64@office (${cause})`);
  expect(allocation.decisions.get('default/a')).toMatchObject({
    warning: 'AddressKept',
    message: expect.stringMatching(/^192\.0\.2\.64 from pool office, kept: ./),
  });
});

test('a pool that is not there, or full, costs nothing', () => {
  const annotations = (name: string) => ({ 'kube-ipvs.io/address-pool': name });
  const services = [
    service('a', { has: at(64), annotations: annotations('nowhere') }),
    service('b', { has: at(65), annotations: annotations('lab') }),
    service('c', { has: '198.51.100.0' }),
    service('d', { has: '198.51.100.1' }),
  ];
  expect(lines(run(SETTINGS, services)).slice(0, 2)).toEqual([
    'default/a Kept 192.0.2.64@office (UnknownPool)',
    'default/b Kept 192.0.2.65@office (PoolsExhausted)',
  ]);
});

test('one that cannot move stays, though an older one asks for where it is', () => {
  const services = [
    moving('first', at(64), at(65), '2020'),
    moving('typo', at(65), '192.0.2.7', '2021'),
  ];
  expect(lines(run(SETTINGS, services))).toEqual([
    'default/first Kept 192.0.2.64@office (AddressInUse)',
    'default/typo Kept 192.0.2.65@office (AddressNotInPools)',
  ]);
});

test('a chain of any length whose last cannot move stays where it is', () => {
  const settings = settingsOf([pool('office', '192.0.2.0/26')]);
  const chain = Array.from({ length: 30 }, (_, i) =>
    moving(`s${String(i).padStart(2, '0')}`, at(i), i === 29 ? '192.0.2.200' : at(i + 1)),
  );
  const { decisions } = run(settings, chain);
  expect([...decisions.values()].map(({ state }) => state)).toEqual(chain.map(() => 'Kept'));
  expect([...decisions.values()].map(({ addresses }) => addresses[0]?.address)).toEqual(
    chain.map((_, i) => at(i)),
  );
});

test('what a mover leaves is for others in the same run', () => {
  const settings = settingsOf([pool('office', '192.0.2.64/31')]);
  const services = [
    service('a', { has: at(64), created: '2020', spec: { loadBalancerIP: at(65) } }),
    service('b'),
    service('c'),
  ];
  expect(lines(run(settings, services))).toEqual([
    'default/a Assigned 192.0.2.65@office',
    'default/b Assigned 192.0.2.64@office',
    'default/c Pending (PoolsExhausted)',
  ]);
});

test('a younger one that moves is not overtaken by a new Service', () => {
  const settings = settingsOf([pool('office', '192.0.2.64/31')]);
  const services = [
    service('new', { created: '2020', spec: { loadBalancerIP: at(65) } }),
    moving('mover', at(64), at(65), '2026'),
  ];
  expect(lines(run(settings, services))).toEqual([
    'default/mover Assigned 192.0.2.65@office',
    'default/new Pending (AddressInUse)',
  ]);
});

test('of two families the one moves and the other stays', () => {
  const dual = service('a', {
    families: '46',
    policy: 'RequireDualStack',
    has: `${at(64)} 2001:db8::1`,
    annotations: { 'lbipam.cilium.io/ips': '192.0.2.67' },
  });
  expect(lines(run(SETTINGS, [dual]))).toEqual([
    'default/a Assigned 192.0.2.67@office 2001:db8::1@office',
  ]);
});

test('one that needs both families moves with both or not at all', () => {
  const words = { families: '46', has: `${at(64)} 2001:db8::1` };
  const annotations = { 'kube-ipvs.io/address-pool': 'lab' };
  const requires = service('a', { ...words, annotations, policy: 'RequireDualStack' });
  expect(lines(run(SETTINGS, [requires]))).toEqual([
    'default/a Kept 192.0.2.64@office 2001:db8::1@office (NoPoolForService)',
  ]);
  const prefers = service('a', { ...words, annotations, policy: 'PreferDualStack' });
  expect(lines(run(SETTINGS, [prefers]))).toEqual([
    'default/a Kept 198.51.100.0@lab 2001:db8::1@office (NoPoolForService)',
  ]);
});

test('one out of pool that asks for another address moves, or stays as it is', () => {
  const settings = settingsOf([pool('lab', '198.51.100.0/31')]);
  const moves = moving('a', '203.0.113.1', '198.51.100.1');
  const stays = moving('b', '203.0.113.2', '198.51.100.9');
  expect(lines(run(settings, [moves, stays]))).toEqual([
    'default/a Assigned 198.51.100.1@lab',
    'default/b Kept 203.0.113.2@- (AddressNotInPools)',
  ]);
});

test('two swap although a third, younger one has the address of one of them too', () => {
  const settings = settingsOf([pool('one', '192.0.2.1/32'), pool('two', '192.0.2.2/32')]);
  const annotations = { 'metallb.io/address-pool': 'one' };
  const services = [
    service('a', { created: '2024', has: at(2), reason: 'Assigned', annotations }),
    moving('b', at(1), at(2), '2025'),
    service('c', { has: at(1), reason: 'Assigned' }),
  ];
  expect(lines(run(settings, services))).toEqual([
    'default/a Assigned 192.0.2.1@one',
    'default/b Assigned 192.0.2.2@two',
    'default/c Pending (PoolsExhausted)',
  ]);
});
