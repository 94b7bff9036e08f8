import { expect, test } from '@jest/globals';
import { JitteredBackoff } from '../../../src/time/backoff.ts';

test('waits double up to the limit, and begin anew after a reset', () => {
  const backoff = new JitteredBackoff({ firstMs: 250, maxMs: 2000, random: () => 1 });
  expect(Array.from({ length: 5 }, () => backoff.next())).toEqual([250, 500, 1000, 2000, 2000]);
  backoff.reset();
  expect(backoff.next()).toBe(250);
});

test('jitter takes away up to half', () => {
  const backoff = new JitteredBackoff({ firstMs: 1000, maxMs: 1000, random: () => 0 });
  expect(backoff.next()).toBe(500);
});

test('a thousand failures in a row still give a finite wait', () => {
  const backoff = new JitteredBackoff({ firstMs: 250, maxMs: 15_000, random: () => 1 });
  for (let i = 0; i < 2000; i++) backoff.next();
  expect(backoff.next()).toBe(15_000);
});
