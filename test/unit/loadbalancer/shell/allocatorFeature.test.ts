/** Giving out addresses by a Lease, at an API server in memory. */
import { expect, test } from '@jest/globals';
import { FeatureStartError } from '../../../../src/feature/feature.ts';
import { loadBalancerAllocator } from '../../../../src/loadbalancer/shell/allocatorFeature.ts';
import { settle } from '../../../support/program/fakeClock.ts';
import { FakeFeatureHost } from '../../../support/program/featureHost.ts';
import { AllocatorHarness } from '../../../support/loadbalancer/allocatorHarness.ts';
import { pool, rawBalanced, settingsOf } from '../../../support/loadbalancer/balanced.ts';
import { refused } from '../../../support/loadbalancer/servicesServer.ts';

const office = pool('office', '192.0.2.1-192.0.2.9');
const harness = (pools = [office]) => new AllocatorHarness(settingsOf(pools));
const LEASE = 'kube-ipvs-lb';

test('the holder of the Lease gives addresses, and tells each Service once', async () => {
  const lb = harness();
  await lb.start(['a'], ['b', { created: '2025' }]);
  expect(lb.server.statusOf('default/b')).toBe('192.0.2.1 Assigned');
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.2 Assigned');
  expect(lb.events()).toEqual([
    'Normal AddressAssigned a: 192.0.2.2 from pool office',
    'Normal AddressAssigned b: 192.0.2.1 from pool office',
  ]);
  expect(lb.server.leases.lease(LEASE)?.spec['holderIdentity']).toMatch(/^node-1_[0-9a-f-]{36}$/);
});

test('what it has written is no news when the watch brings it', async () => {
  const lb = harness();
  await lb.start(['a']);
  lb.requests();
  await lb.host.clock.advance(3_600_000);
  expect(lb.requests()).toEqual([]);
  expect(await lb.decisions()).toBe(1);
});

test('changes that come together are decided together', async () => {
  const lb = harness();
  await lb.start(['a']);
  for (const name of ['b', 'c', 'd']) lb.server.put(rawBalanced(name));
  await lb.decide();
  expect(lb.server.statusOf('default/d')).toBe('192.0.2.4 Assigned');
  expect(await lb.decisions()).toBe(2);
});

test('nothing is stood for before the Namespaces that pools select are listed', async () => {
  const selected = pool('team', '192.0.2.1', {
    namespaceSelectors: [{ matchLabels: { env: 'prod' } }],
  });
  const lb = harness([selected]);
  const namespaces = Promise.withResolvers<void>();
  lb.host.listed = (kind) => (kind === 'Namespace' ? namespaces.promise : Promise.resolve());
  await lb.start(['a']);
  await lb.host.clock.advance(60_000);
  expect([lb.server.leases.requests, lb.requests()]).toEqual([[], []]);
  const labels = { env: 'prod' };
  lb.tell({ kind: 'Namespace', key: 'default', object: { name: 'default', labels } });
  namespaces.resolve();
  await settle();
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.1 Assigned');
});

test('who does not hold the Lease writes nothing, and takes over when it is let go', async () => {
  const lb = harness();
  const held = { holderIdentity: 'node-2', leaseDurationSeconds: 15, renewTime: 'x' };
  lb.server.leases.write(LEASE, held);
  await lb.start(['a']);
  await lb.host.clock.advance(10_000);
  expect(lb.requests()).toEqual([]);
  const metrics = () => lb.host.metrics.metrics();
  expect(await metrics()).toContain('kubeipvs_lb_is_allocator 0');
  lb.server.leases.write(LEASE, { ...held, holderIdentity: '', renewTime: 'y' });
  await lb.host.clock.advance(3_000);
  expect(lb.requests()).toEqual(['LIST', 'PATCH default/a']);
  expect(await metrics()).toContain('kubeipvs_lb_is_allocator 1');
});

test.each([
  [3, 2_000],
  [200, 5_000],
  [5_000, 30_000],
])('of %d Nodes each that does not hold it looks every %d ms', async (nodes, lookMs) => {
  const lb = harness();
  for (let i = 0; i < nodes; i++) {
    const object = { name: `n${i}`, addresses: [], podCIDRs: [], isLeaving: false };
    lb.tell({ kind: 'Node', key: object.name, object });
  }
  lb.server.leases.write(LEASE, { holderIdentity: 'node-2', leaseDurationSeconds: 600 });
  await lb.start();
  await lb.host.clock.advance(60_000);
  const looks = lb.server.leases.requests.length;
  // By up to a fifth seldomer, by chance.
  expect(looks).toBeLessThanOrEqual(60_000 / lookMs + 1);
  expect(looks).toBeGreaterThanOrEqual(60_000 / lookMs / 1.2);
});

test('what the one before has given last counts although the watch has not told it', async () => {
  const lb = harness();
  await lb.start();
  lb.holdWatch();
  lb.server.put(rawBalanced('late', { created: '2027', has: '192.0.2.1', reason: 'Assigned' }));
  const identity = lb.server.leases.lease(LEASE)!.spec;
  lb.server.leases.write(LEASE, { ...identity, holderIdentity: 'node-2' });
  await lb.host.clock.advance(6_000);
  lb.server.leases.write(LEASE, { ...identity, holderIdentity: '' });
  lb.server.put(rawBalanced('a'));
  await lb.host.clock.advance(3_000);
  expect(lb.server.statusOf('default/late')).toBe('192.0.2.1 Assigned');
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.2 Assigned');
});

test('a lost Lease ends the writing at once', async () => {
  const lb = harness();
  await lb.start(['a']);
  lb.server.leases.isDown = true;
  await lb.host.clock.advance(12_000);
  expect(lb.conditions()).toEqual([`AllocatorNotElected kube-system/${LEASE}`]);
  lb.requests();
  lb.server.put(rawBalanced('b'));
  await lb.host.clock.advance(60_000);
  expect(lb.requests()).toEqual([]);
  lb.server.leases.isDown = false;
  await lb.host.clock.advance(20_000);
  expect(lb.server.statusOf('default/b')).toBe('192.0.2.2 Assigned');
  expect(lb.conditions()).toEqual([]);
});

test('a right that is missing for the Lease is named', async () => {
  const lb = harness();
  const api = lb.host.api!;
  const getJson = () => Promise.reject(refused(403, 'Forbidden'));
  lb.host.api = { ...api, getJson };
  await lb.start(['a']);
  expect(lb.host.log.lines).toEqual([
    expect.stringContaining(
      'a Role in namespace kube-system has to allow create of leases, and get and update of kube-ipvs-lb',
    ),
  ]);
});

test('at the end what is on its way is waited for, and then the Lease is let go', async () => {
  const lb = harness();
  await lb.start();
  const answer = Promise.withResolvers<void>();
  lb.server.fate = () => answer.promise;
  lb.server.put(rawBalanced('a'));
  await lb.decide();
  const stopped = lb.running!.stop();
  lb.server.put(rawBalanced('b'));
  await settle();
  expect(lb.server.leases.lease(LEASE)?.spec['holderIdentity']).not.toBe('');
  answer.resolve();
  await settle();
  await stopped;
  expect(lb.server.statusOf('default/a')).toBe('192.0.2.1 Assigned');
  expect(lb.server.statusOf('default/b')).toBe('');
  await settle();
  expect(lb.server.leases.lease(LEASE)?.spec['holderIdentity']).toBe('');
  await Promise.all(lb.host.works);
});

test('an end that the API server does not answer is waited for a moment only', async () => {
  const lb = harness();
  await lb.start();
  lb.server.fate = () => new Promise(() => undefined);
  lb.server.put(rawBalanced('a'));
  await lb.decide();
  const stopped = Promise.resolve(lb.running!.stop()).then(() => 'stopped');
  await lb.host.clock.advance(300);
  expect(await stopped).toBe('stopped');
  expect(lb.server.leases.lease(LEASE)?.spec['holderIdentity']).toBe('');
});

test('without an API server it does not start, and says why', async () => {
  const start = async () =>
    loadBalancerAllocator(settingsOf([office])).start(new FakeFeatureHost());
  await expect(start()).rejects.toBeInstanceOf(FeatureStartError);
});
