import { expect, test } from '@jest/globals';
import { ReplayWindow } from '../../../src/wire/replayWindow.ts';

const accepted = (numbers: readonly bigint[]) => {
  const window = new ReplayWindow();
  return numbers.filter((number) => window.accept(number));
};

test('each number passes once, in any order within the window', () => {
  expect(accepted([1n, 1n, 3n, 2n, 2n, 3n, 1n, 4n])).toEqual([1n, 3n, 2n, 4n]);
});

test('the window is 1,024 wide: the highest and 1,023 below it', () => {
  expect(accepted([2000n, 977n, 976n, 977n, 1999n])).toEqual([2000n, 977n, 1999n]);
});

test('a leap over the window forgets what is below, and old numbers stay old', () => {
  expect(accepted([5n, 1029n, 5n, 6n, 6n])).toEqual([5n, 1029n, 6n]);
  expect(accepted([5n, 1028n, 5n])).toEqual([5n, 1028n]);
  expect(accepted([5n, 10_000n, 5n, 8_977n, 8_976n])).toEqual([5n, 10_000n, 8_977n]);
});

test('0 is none, and the largest number of 64 bits is one', () => {
  const largest = 2n ** 64n - 1n;
  expect(accepted([0n, largest, largest, largest - 1023n, largest - 1024n])).toEqual([
    largest,
    largest - 1023n,
  ]);
});

test('the highest so far is told, for the echo', () => {
  const window = new ReplayWindow();
  expect(window.highest).toBe(0n);
  for (const number of [7n, 5n, 7n]) window.accept(number);
  expect(window.highest).toBe(7n);
});
