import { expect, test } from '@jest/globals';
import { preciseWallClock } from '../../../src/ops/clock.ts';

test('wall time has microseconds, and follows a clock that was set', () => {
  let date = 1_000;
  let monotonic = 50.25;
  const wallMs = preciseWallClock(
    () => date,
    () => monotonic,
  );
  expect(wallMs()).toBe(1_000);
  date = 1_001;
  monotonic = 51.6255;
  expect(wallMs()).toBeCloseTo(1_001.3755, 6);
  // Set an hour ahead, then back.
  for (const jump of [3_600_000, -3_600_000]) {
    date += jump;
    expect(wallMs()).toBe(date);
    monotonic += 0.5;
    expect(wallMs()).toBeCloseTo(date + 0.5, 6);
    monotonic -= 0.5;
  }
});
