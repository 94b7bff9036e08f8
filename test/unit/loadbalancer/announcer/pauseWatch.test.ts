import { expect, test } from '@jest/globals';
import { PauseWatch } from '../../../../src/loadbalancer/announcer/pauseWatch.ts';

test.each([
  ['on time', 50, 50, 0],
  ['by a busy machine', 350, 350, 0],
  ['after a stop', 351, 351, 351],
  ['after the machine was frozen, its monotonic clock too', 50, 551, 551],
  ['when the wall clock is set back', 50, -3_600_000, 0],
])('a tick %s', (_, monotonicMs, wallMs, pauseMs) => {
  const watch = new PauseWatch(50);
  expect(watch.tick(1_000, 9_000_000)).toBe(0);
  expect(watch.tick(1_000 + monotonicMs, 9_000_000 + wallMs)).toBe(pauseMs);
  expect(watch.tick(1_050 + monotonicMs, 9_000_050 + wallMs)).toBe(0);
});
