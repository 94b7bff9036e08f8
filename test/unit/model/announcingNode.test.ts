import { expect, test } from '@jest/globals';
import { kindsFor } from '../../../src/model/kinds.ts';
import { slimNode } from '../../../src/model/slimNode.ts';

const raw = (given: { labels?: object; spec?: object; conditions?: readonly unknown[] } = {}) => ({
  metadata: { name: 'n1', labels: given.labels },
  spec: given.spec,
  status: { conditions: given.conditions },
});
const read = (node: unknown) => slimNode(node, true);

const READY = { type: 'Ready', status: 'True' };

test('is kept where load balancer addresses are announced, and nowhere else', () => {
  const expected = {
    labels: {},
    isCordoned: false,
    isOutOfService: false,
    isNetworkUnavailable: false,
    isNodeReady: false,
  };
  expect(read(raw()).object?.announcing).toEqual(expected);
  expect(slimNode(raw()).object).not.toHaveProperty('announcing');
  const door = (...needs: readonly 'LoadBalancing'[]) =>
    kindsFor({ needs: new Set(needs) })
      .find(({ kind }) => kind === 'Node')!
      .slim(raw()).object;
  expect(door()).not.toHaveProperty('announcing');
  expect(door('LoadBalancing')).toHaveProperty('announcing', expected);
});

test('all of it', () => {
  const labels = { role: 'edge', 'a.b/c': '' };
  const spec = {
    unschedulable: true,
    taints: [null, 'x', { key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }],
  };
  const conditions = [null, { type: 'NetworkUnavailable', status: 'True' }, READY];
  const { object, problems } = read(raw({ labels, spec, conditions }));
  expect(object?.announcing).toEqual({
    labels,
    isCordoned: true,
    isOutOfService: true,
    isNetworkUnavailable: true,
    isNodeReady: true,
  });
  expect(problems).toEqual([]);
});

test.each([
  [{ type: 'NetworkUnavailable', status: 'False' }],
  [{ type: 'NetworkUnavailable', status: 'Unknown' }],
  [READY],
])('%j leaves the network available', (condition) => {
  expect(read(raw({ conditions: [condition] })).object?.announcing?.isNetworkUnavailable).toBe(
    false,
  );
});

test('a label that is no string is left out alone', () => {
  const { object, problems } = read(raw({ labels: { a: 1, b: null, c: 'd' } }));
  expect(object?.announcing?.labels).toEqual({ c: 'd' });
  expect(problems).toEqual([
    {
      path: 'Node/n1.metadata.labels.a',
      value: 1,
      problem: 'must be a string (put it in quotes)',
      consequence: 'ValueIgnored',
    },
  ]);
});
