import { expect, test } from '@jest/globals';
import { Silence, waitedForProcessor, waitedIn } from '../../../tools/mutation/silence.ts';

test('time in which a process waits for a processor is no silence', () => {
  let nowMs = 1_000;
  let waitedMs = 50;
  const silence = new Silence(
    7,
    () => nowMs,
    () => waitedMs,
  );
  nowMs += 400_000;
  waitedMs += 390_000;
  expect(silence.lengthMs()).toBe(10_000);
  silence.interrupt();
  expect(silence.lengthMs()).toBe(0);
  nowMs += 300_000;
  expect(silence.lengthMs()).toBe(300_000);
});

test('how long a process has waited is in its schedstat; of one that is gone nothing is known', () => {
  // It ran for 0.6 s and waited for 386 s, at nice 19 beside four other runs.
  expect(waitedIn('590436301 386502990689 1420\n')).toBeCloseTo(386_503, 0);
  expect(waitedForProcessor(undefined)).toBe(0);
});
