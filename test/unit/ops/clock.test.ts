import { expect, test } from '@jest/globals';
import { SystemClock } from '../../../src/ops/clock.ts';

test.each([2 ** 31, 2 ** 40, Infinity])('a sleep of %s ms does not end at once', async (ms) => {
  const abort = new AbortController();
  let isOver = false;
  const sleeping = new SystemClock().sleep(ms, abort.signal).then(() => (isOver = true));
  // A timer that overflows takes 1 ms, and of equal timers the older fires first.
  await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  abort.abort();
  await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' });
});

test.each([2 ** 31, 2 ** 40, Infinity])(
  'what is due after %s ms is not done at once',
  async (ms) => {
    let isDone = false;
    const cancel = new SystemClock().after(ms, () => (isDone = true));
    await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    cancel();
  },
);

test('what is due is done once, and not when it was taken back', async () => {
  const clock = new SystemClock();
  const done: string[] = [];
  const cancel = clock.after(0, () => done.push('taken back'));
  const keep = clock.after(0, () => done.push('kept'));
  cancel();
  await clock.sleep(5);
  keep();
  expect(done).toEqual(['kept']);
});
