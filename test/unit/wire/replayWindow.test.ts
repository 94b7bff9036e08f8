import { expect, test } from '@jest/globals';
import { ReplayWindow } from '../../../src/wire/replayWindow.ts';

const accepted = (numbers: readonly bigint[]) => {
  const window = new ReplayWindow();
  return numbers.filter((number) => window.accept(number));
};

test('each number passes once, in any order within the window', () => {
  expect(accepted([1n, 1n, 3n, 2n, 2n, 3n, 1n, 4n])).toEqual([1n, 3n, 2n, 4n]);
});

test('the window is 64 wide: the highest and 63 below it', () => {
  expect(accepted([100n, 37n, 36n, 37n, 99n])).toEqual([100n, 37n, 99n]);
});

test('a leap over the window forgets what is below, and old numbers stay old', () => {
  expect(accepted([5n, 69n, 5n, 6n, 6n])).toEqual([5n, 69n, 6n]);
  expect(accepted([5n, 68n, 5n])).toEqual([5n, 68n]);
  expect(accepted([5n, 1000n, 5n, 937n, 936n])).toEqual([5n, 1000n, 937n]);
});

test('0 is none, and the largest number of 64 bits is one', () => {
  const largest = 2n ** 64n - 1n;
  expect(accepted([0n, largest, largest, largest - 63n, largest - 64n])).toEqual([
    largest,
    largest - 63n,
  ]);
});

test('the highest so far is told, for the echo', () => {
  const window = new ReplayWindow();
  expect(window.highest).toBe(0n);
  for (const number of [7n, 5n, 7n]) window.accept(number);
  expect(window.highest).toBe(7n);
});
