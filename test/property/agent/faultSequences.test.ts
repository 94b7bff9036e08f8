/**
 * Anything may go wrong, in any order, while the cluster changes and others work on the kernel.
 * After it the node is as the model says; while it lasts somebody is told. A seed draws the same
 * sequences everywhere; a failing one is cut down to the steps that matter.
 */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ModelNode } from './modelNode.ts';
import { type Step, step, taken, TAMPERINGS, textOf, TROUBLES } from './faultSteps.ts';

const SEED = Number(process.env['KUBE_IPVS_SEED'] ?? 20_261_130);
const RUNS = Number(process.env['KUBE_IPVS_RUNS'] ?? 500);

const rejections: unknown[] = [];
const onRejection = (reason: unknown) => rejections.push(reason);

// Only the agent's own clock moves; what it has timers for beside it never comes due here.
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
  process.on('unhandledRejection', onRejection);
});
afterEach(() => {
  process.off('unhandledRejection', onRejection);
  jest.useRealTimers();
});

async function tried(steps: readonly Step[]): Promise<void> {
  const node = await ModelNode.start();
  try {
    for (const each of steps) await taken(each, node);
    const told = steps.map(textOf);
    expect([...told, ...(await node.untold())]).toEqual(told);
    expect([...told, ...(await node.healed())]).toEqual(told);
    expect(rejections).toEqual([]);
  } finally {
    await node.end();
    jest.clearAllTimers();
  }
}

const pass = { do: 'pass', ms: 1_000 } as const;
const flush = { do: 'tamper', how: 'everything is flushed' } as const;

describe('one by one', () => {
  test.each(Object.keys(TAMPERINGS))('%s', async (how) => {
    await tried([pass, { do: 'tamper', how }]);
  });

  test.each(TROUBLES.map((what) => [JSON.stringify(what), what] as const))(
    'everything is flushed and the cluster changes with %s',
    async (_, what) => {
      await tried([
        pass,
        { do: 'trouble', what },
        flush,
        { do: 'serve', service: 0, endpoints: 1 },
        { do: 'serve', service: 2, endpoints: undefined },
      ]);
    },
  );

  test.each(TROUBLES.map((what) => [JSON.stringify(what), what] as const))(
    'a process starts with %s',
    async (_, what) => {
      await tried([{ do: 'trouble', what }, flush, { do: 'restart', steps: 4 }]);
    },
  );

  test('/run cannot be written, and a NodePort goes', async () => {
    await tried([
      pass,
      { do: 'run', isWritable: false },
      { do: 'serve', service: 2, endpoints: 1 },
    ]);
  });

  test.each([-86_400_000, 86_400_000])('the clock is set by %i ms', async (ms) => {
    await tried([pass, { do: 'jump', ms }, flush, pass, { do: 'jump', ms: -ms }]);
  });

  test('the API server is away while everything is flushed', async () => {
    await tried([pass, { do: 'source', isConnected: false }, flush]);
  });
});

test(`${RUNS} sequences of faults end as the model says`, async () => {
  const sequence = fc.array(step, { minLength: 1, maxLength: 12 });
  await fc.assert(fc.asyncProperty(sequence, tried), { seed: SEED, numRuns: RUNS });
}, 600_000);
