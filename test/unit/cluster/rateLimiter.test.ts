import { expect, test } from '@jest/globals';
import { controllerRate, RateLimiter } from '../../../src/cluster/rateLimiter.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';

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

test.each([
  ['the defaults of proxies', 5, 10, { qps: 20, burst: 30 }],
  ["Kubernetes' defaults", 0, 0, { qps: 20, burst: 30 }],
  ['more', 50, 100, { qps: 50, burst: 100 }],
  ['no limit', -1, 0, { qps: -1, burst: 30 }],
])(
  'a controller has 20 a second after 30, or what is asked for: %s',
  (_title, qps, burst, rate) => {
    expect(controllerRate(qps, burst)).toEqual(rate);
  },
);

test('a negative rate is no limit', async () => {
  const clock = new FakeClock();
  const times = await admissions(new RateLimiter(-1, 1, clock), clock, 100);
  expect(times).toEqual(Array(100).fill(0));
  expect(clock.sleeps).toEqual([]);
});

test('time that goes by earns tokens at the rate, up to the burst', async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter(5, 3, clock);
  expect(await admissions(limiter, clock, 3)).toEqual([0, 0, 0]);
  // The helper moved on by 10 s, which would have earned 50.
  expect(await admissions(limiter, clock, 4)).toEqual([10_000, 10_000, 10_000, 10_200]);
});

test('a little time earns a part of a token, which is not lost', async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter(5, 1, clock);
  await limiter.take();
  await clock.advance(150);
  const second = limiter.take();
  await clock.advance(49);
  expect(clock.sleeps).toEqual([50]);
  await clock.advance(1);
  await second;
  const times = await admissions(limiter, clock, 2);
  expect(times).toEqual([400, 600]);
});

test('who is stopped while waiting is not let through', async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter(1, 1, clock);
  const stop = new AbortController();
  await limiter.take(stop.signal);
  const waiting = limiter.take(stop.signal);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});
