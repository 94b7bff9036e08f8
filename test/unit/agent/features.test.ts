import { expect, test } from '@jest/globals';
import { askedFeatures, FEATURES, needsOf } from '../../../src/agent/features.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';

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
