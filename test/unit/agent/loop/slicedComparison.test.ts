import { expect, test } from '@jest/globals';
import { SlicedComparison } from '../../../../src/agent/loop/slicedComparison.ts';
import type { Operation } from '../../../../src/dataplane/operations.ts';
import { FakeClock } from '../../../support/program/fakeClock.ts';

const bind = (address: string): Operation => ({ op: 'bindAddress', address });

/** Each slice takes 3 ms and finds one address. */
function* slices(clock: { ms: number }, count: number): Generator<readonly Operation[], void> {
  for (let i = 0; i < count; i++) {
    clock.ms += 3;
    yield [bind(`10.0.0.${i}`)];
  }
}

function comparison(turnMs: number) {
  const fake = new FakeClock();
  const passed = { ms: 0 };
  let times = 0;
  const clock = {
    monotonicMs: () => fake.monotonicMs() + passed.ms,
    after: (ms: number, action: () => void) => fake.after(ms, action),
  };
  const work = new SlicedComparison(clock, turnMs, () => (times += 1));
  return { fake, passed, work, timesDone: () => times };
}

const addresses = (operations: readonly Operation[]) =>
  operations.map((operation) => 'address' in operation && operation.address);

test('what fits into the first turn is done at once, and nobody is called', () => {
  const { passed, work, timesDone } = comparison(10);
  work.begin(slices(passed, 3));
  expect(work.isDone).toBe(true);
  expect(timesDone()).toBe(0);
  const { operations, durationMs } = work.take();
  expect(addresses(operations)).toEqual(['10.0.0.0', '10.0.0.1', '10.0.0.2']);
  expect(durationMs).toBe(9);
  expect(work.isUnderWay).toBe(false);
});

test('more takes turns, between which others have theirs', async () => {
  const { fake, passed, work, timesDone } = comparison(4);
  work.begin(slices(passed, 5));
  expect([work.isUnderWay, work.isDone, passed.ms]).toEqual([true, false, 6]);
  expect(fake.sleeps).toEqual([0]);
  await fake.advance(0);
  expect([work.isDone, timesDone()]).toEqual([true, 1]);
  expect(fake.sleeps).toEqual([0, 0]);
  expect(addresses(work.take().operations)).toHaveLength(5);
});

test('no time for a turn is time for one slice', async () => {
  const { fake, passed, work } = comparison(0);
  work.begin(slices(passed, 5));
  expect(passed.ms).toBe(3);
  await fake.advance(0);
  expect(work.isDone).toBe(true);
});

test('what is given up is not gone on with, and leaves nothing for the next one', async () => {
  const { fake, passed, work, timesDone } = comparison(0);
  work.begin(slices(passed, 5));
  work.giveUp();
  await fake.advance(10);
  expect([work.isUnderWay, work.isDone, timesDone(), passed.ms]).toEqual([false, false, 0, 3]);
  work.begin(slices(passed, 1));
  await fake.advance(0);
  expect(addresses(work.take().operations)).toEqual(['10.0.0.0']);
});

test('what a slice throws is thrown where the findings are taken', async () => {
  const { fake, passed, work, timesDone } = comparison(0);
  const failing = function* () {
    yield* slices(passed, 1);
    throw new Error('a bug');
  };
  work.begin(failing());
  await fake.advance(0);
  expect(timesDone()).toBe(1);
  expect(() => work.take()).toThrow('a bug');
  expect(work.isUnderWay).toBe(false);
});
