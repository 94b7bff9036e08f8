import { expect, test } from '@jest/globals';
import { StandingTrouble } from '../../../src/ops/standingTrouble.ts';

const timing = { quietMs: 10, reminderMs: 100 };

test('a failure is told at its beginning and at its end', () => {
  const trouble = new StandingTrouble(timing);
  expect(trouble.ends()).toBe(false);
  expect(trouble.persists('away', 0)).toBe(true);
  expect(trouble.persists('away', 50)).toBe(false);
  expect(trouble.ends()).toBe(true);
  expect(trouble.ends()).toBe(false);
  expect(trouble.persists('away', 51)).toBe(true);
});

test('a new reason is told, but not at once after the last line', () => {
  const trouble = new StandingTrouble(timing);
  trouble.persists('broke off', 0);
  expect(trouble.persists('refused', 5)).toBe(false);
  expect(trouble.persists('refused', 10)).toBe(true);
  expect(trouble.persists('forbidden', 15)).toBe(false);
  expect(trouble.persists('refused', 25)).toBe(false);
  expect(trouble.persists('forbidden', 26)).toBe(true);
});

test('what lasts is called to mind', () => {
  const trouble = new StandingTrouble(timing);
  trouble.persists('away', 0);
  expect(trouble.persists('away', 99)).toBe(false);
  expect(trouble.persists('away', 100)).toBe(true);
  expect(trouble.persists('away', 150)).toBe(false);
  expect(trouble.persists('away', 200)).toBe(true);
});
