import { expect, test } from '@jest/globals';
import { candidateNodes } from '../../../src/loadbalancer/candidateNodes.ts';
import { slimNode } from '../../../src/model/slimNode.ts';

const node = (name: string, metadata: object = {}) =>
  slimNode({ metadata: { name, labels: { role: 'edge' }, ...metadata } }, true).object!;

const down = {
  isLeaving: true,
  isAlive: false,
  isReady: false,
  aliveForMs: 5,
  unable: new Set(['192.0.2.1']),
  interfaces: [],
};

test('a node of which nothing is known is alive and ready, and has been so for ever', () => {
  expect(candidateNodes([node('n1')], new Map([['n2', down]]))).toEqual([
    {
      name: 'n1',
      labels: { role: 'edge' },
      isCordoned: false,
      isOutOfService: false,
      isNetworkUnavailable: false,
      isNodeReady: false,
      isLeaving: false,
      isAlive: true,
      isReady: true,
      aliveForMs: Infinity,
      unable: new Set(),
      interfaces: undefined,
    },
  ]);
});

test('what the proxy says, and what the Node says', () => {
  expect(candidateNodes([node('n1')], new Map([['n1', down]]))).toMatchObject([down]);
  const [leaving] = candidateNodes([node('n1', { deletionTimestamp: 'x' })], new Map());
  expect(leaving?.isLeaving).toBe(true);
});
