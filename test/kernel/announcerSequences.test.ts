/**
 * Exactly one answers for each address, whatever happens to the nodes: a short random sequence.
 * Hundreds: test/bench/sequences.ts.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { patience } from '../lab/patience.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { runSequence } from '../support/loadbalancer/sequences/run.ts';
import { Stage } from '../support/loadbalancer/sequences/stage.ts';

const describe = await requireNamespaces();

const LOCAL = ['2001:db8:1::66'];
const ADDRESSES = ['192.0.2.64', '2001:db8:1::64', ...LOCAL];
/** KUBE_IPVS_SEQUENCES: so many of them */
const COUNT = Number(process.env['KUBE_IPVS_SEQUENCES'] ?? 1);
const STEPS = 4;
/** Here only what stays wrong is wrong: how long it took says something about the machine. */
const SLACK_MS = 5_000;

describe('random sequences over three nodes', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open({ count: 3, addresses: ADDRESSES, local: LOCAL, askEveryMs: 50 });
    await stage.settle();
  });
  afterAll(async () => {
    await stage.close();
  });

  const seeds = Array.from({ length: COUNT }, (_, i) => i + 1);
  test.each(seeds)('seed %i', async (seed) => {
    const { violations, story } = await runSequence(stage, seed, STEPS, patience(SLACK_MS));
    if (violations.length > 0) throw new Error(`${violations.join('\n')}\n${story}`);
    expect(violations).toEqual([]);
  });
});
