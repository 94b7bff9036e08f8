import { expect, test } from '@jest/globals';
import { RateLimiter } from '../../../src/cluster/rateLimiter.ts';
import { FakeClock } from '../../support/fakeClock.ts';

/** Sends `count` requests at once; @returns at which ms each was let through. */
async function admissions(
  limiter: RateLimiter,
  clock: FakeClock,
  count: number,
): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) void limiter.take().then(() => times.push(clock.monotonicMs()));
  await clock.advance(10_000);
  return times;
}

test('lets a burst through at once and the rest at the rate', async () => {
  const clock = new FakeClock();
  const times = await admissions(new RateLimiter(5, 3, clock), clock, 6);
  expect(times).toEqual([0, 0, 0, 200, 400, 600]);
});

test('0 means the defaults of Kubernetes: 5 a second after 10', async () => {
  const clock = new FakeClock();
  const times = await admissions(new RateLimiter(0, 0, clock), clock, 12);
  expect(times.slice(9)).toEqual([0, 200, 400]);
});

test('a negative rate is no limit', async () => {
  const clock = new FakeClock();
  const times = await admissions(new RateLimiter(-1, 1, clock), clock, 100);
  expect(times).toEqual(Array(100).fill(0));
});
