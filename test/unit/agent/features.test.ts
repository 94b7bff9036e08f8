import { expect, test } from '@jest/globals';
import { askedFeatures, FEATURES, needsOf } from '../../../src/agent/features.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { pool, settingsOf } from '../../support/loadbalancer/balanced.ts';

const { config } = resolveConfig({ flags: new Map(), isInCluster: true });

test('what a proxy without a configuration of ours runs beside the loop, and by which names', () => {
  const names = askedFeatures(FEATURES, config!).map(({ name }) => name);
  expect(names).toEqual([
    'api-server-addresses',
    'conntrack-sweep',
    'health-check-node-ports',
    'local-server',
    'rival-watch',
  ]);
});

test('each is loaded under the name that its row has', async () => {
  for (const { name, load } of askedFeatures(FEATURES, config!))
    expect((await load()).name).toBe(name);
});

test('none of these reads more of the cluster than every proxy does', () => {
  expect([...needsOf(askedFeatures(FEATURES, config!))]).toEqual([]);
});

test('one that is not asked for is not there, and what others need is put together', () => {
  const load = () => Promise.reject(new Error('not to be loaded'));
  const rows = [
    { name: 'off', asked: () => undefined },
    { name: 'first', asked: () => ({ load, needs: ['ExternalNames'] as const }) },
    { name: 'second', asked: () => ({ load, needs: ['HeadlessServices'] as const }) },
  ];
  const asked = askedFeatures(rows, config!);
  expect(asked.map(({ name }) => name)).toEqual(['first', 'second']);
  expect([...needsOf(asked)]).toEqual(['ExternalNames', 'HeadlessServices']);
});

test('addresses are given out where a configuration and an API server are, unless a flag says no', () => {
  const loadBalancer = settingsOf([pool('office', '192.0.2.1')]);
  const namesOf = (over: object) =>
    askedFeatures(FEATURES, { ...config!, features: { loadBalancer }, ...over }).map(
      ({ name }) => name,
    );
  expect(namesOf({})).toContain('load-balancer-allocator');
  expect(namesOf({ features: {} })).not.toContain('load-balancer-allocator');
  expect(namesOf({ mayAllocate: false })).not.toContain('load-balancer-allocator');
  const source = { kind: 'manifests', paths: [], isDefault: true };
  expect(namesOf({ source })).not.toContain('load-balancer-allocator');
});

test('it is loaded by its name and reads what it decides by', async () => {
  const loadBalancer = settingsOf([pool('office', '192.0.2.1')]);
  const asked = askedFeatures(FEATURES, { ...config!, features: { loadBalancer } });
  const { name, load, needs } = asked.find((each) => each.name === 'load-balancer-allocator')!;
  expect((await load()).name).toBe(name);
  expect(needs).toEqual(['LoadBalancing', 'ExternalNames']);
});
