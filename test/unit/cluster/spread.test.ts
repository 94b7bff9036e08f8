/** Hundreds of nodes that lost their API server in one moment do not come back in one moment. */
import { afterEach, expect, test } from '@jest/globals';
import { Reflector } from '../../../src/cluster/reflector.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { KINDS, NO_NEEDS } from '../../../src/model/kinds.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';
import { randomNumbers } from '../../support/program/randomNumbers.ts';
import { apiError, listOf, ScriptedTransport } from './scriptedTransport.ts';

const NODES = 200;

let reflectors: Reflector[] = [];
afterEach(async () => {
  await Promise.all(reflectors.map((reflector) => reflector.stop()));
  reflectors = [];
});

/** @returns ms at which each node asked for the first time after `refusedWith` came to an end */
async function returns(refusedWith: () => Error, refusals: number): Promise<readonly number[]> {
  const clock = new FakeClock();
  const arrivals: number[] = [];
  for (let node = 0; node < NODES; node++) {
    const transport = new ScriptedTransport();
    let asked = 0;
    transport.answerLists(() => {
      if (asked++ < refusals) return refusedWith();
      arrivals.push(clock.monotonicMs());
      return listOf('7', []);
    });
    const random = randomNumbers(node);
    reflectors.push(
      new Reflector({
        kind: KINDS.Service,
        selectors: KINDS.Service.selectors({ nodeName: `node-${node}`, needs: NO_NEEDS }),
        transport,
        timing: clock,
        random,
        listener: {
          store: new ClusterStore(),
          onChange: () => undefined,
          onProblems: () => undefined,
          onListed: () => undefined,
          onState: () => undefined,
        },
      }),
    );
  }
  for (const reflector of reflectors) reflector.start();
  await clock.advance(120_000);
  return arrivals;
}

/** The most that came within a tenth of the time that all took. */
function crowd(arrivals: readonly number[]): number {
  const sorted = arrivals.toSorted((a, b) => a - b);
  const window = (sorted.at(-1)! - sorted[0]!) / 10;
  const within = (from: number) => sorted.filter((ms) => ms >= from && ms <= from + window).length;
  return Math.max(...sorted.map(within));
}

test.each([
  ['told to wait ten seconds', () => refusal(10), 1, 4_000],
  ['found nobody for a minute', () => apiError(0, 'ECONNREFUSED'), 8, 8_000],
])('those who were %s', async (_, error, refusals, leastMs) => {
  const arrivals = await returns(error, refusals);
  expect(arrivals).toHaveLength(NODES);
  expect(Math.max(...arrivals) - Math.min(...arrivals)).toBeGreaterThan(leastMs);
  expect(crowd(arrivals)).toBeLessThan(NODES / 3);
});

function refusal(retryAfterSec: number): Error {
  return Object.assign(apiError(429, 'TooManyRequests'), { retryAfterSec });
}
