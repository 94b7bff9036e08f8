import { expect, test } from '@jest/globals';
import { formatDuration, parseDuration } from '../../../src/config/duration.ts';

test.each([
  ['0', 0],
  ['0s', 0],
  ['30s', 30_000],
  ['1h15m', 4_500_000],
  ['24h0m0s', 86_400_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['100ms', 100],
  ['250us', 0.25],
  ['250µs', 0.25],
  ['-2s', -2000],
  ['+2s', 2000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test('whole milliseconds are read as such, whatever their fraction of a second is in binary', () => {
  const all = Array.from({ length: 20_000 }, (_, ms) => ms);
  expect(all.filter((ms) => parseDuration(`${ms / 1000}s`) !== ms)).toEqual([]);
  expect(all.filter((ms) => parseDuration(formatDuration(ms)) !== ms)).toEqual([]);
});

test.each(['', '-', '30', '30 s', 's', '1d', '1h30', 'abc', '1..5s', '.s', '9999999999h', '1h-1m'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test.each([
  [0, '0s'],
  [30_000, '30s'],
  [60_000, '1m0s'],
  [86_400_000, '24h0m0s'],
  [4_500_000, '1h15m0s'],
  [1500, '1.5s'],
  [61_001, '1m1.001s'],
  [100, '100ms'],
  [1.5, '1.5ms'],
  [0.25, '250µs'],
  [0.0005, '500ns'],
  [-2000, '-2s'],
])('%d ms is written %s, as Go does', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
