import { expect, test } from '@jest/globals';
import { SystemClock } from '../../../../src/ops/clock.ts';
import { Waker } from '../../../../src/agent/loop/waker.ts';

test('a signal given while awake ends the next wait at once', async () => {
  const waker = new Waker(new SystemClock());
  waker.signal();
  await waker.wait(Infinity);
});

test('a signal ends a wait that has begun, and only that one', async () => {
  const waker = new Waker(new SystemClock());
  const waiting = waker.wait(Infinity);
  waker.signal();
  await waiting;
  let isOver = false;
  const second = waker.wait(Infinity).then(() => (isOver = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  waker.signal();
  await second;
});

test('a wait ends when its time is over, and a time in the past does not wait', async () => {
  const waker = new Waker(new SystemClock());
  await waker.wait(1);
  await waker.wait(-5);
});
