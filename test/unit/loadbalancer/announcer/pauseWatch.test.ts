import { expect, test } from '@jest/globals';
import { PauseWatch } from '../../../../src/loadbalancer/announcer/pauseWatch.ts';

test.each([
  ['on time', 50, 50, false],
  ['by a busy machine', 350, 350, false],
  ['after a stop', 351, 351, true],
  ['after the machine was frozen, its monotonic clock too', 50, 551, true],
  ['when the wall clock is set back', 50, -3_600_000, false],
])('a tick %s', (_, monotonicMs, wallMs, isPause) => {
  const watch = new PauseWatch(50);
  expect(watch.tick(1_000, 9_000_000)).toBe(false);
  expect(watch.tick(1_000 + monotonicMs, 9_000_000 + wallMs)).toBe(isPause);
  expect(watch.tick(1_050 + monotonicMs, 9_000_050 + wallMs)).toBe(false);
});
