import { expect, test } from '@jest/globals';
import { parseQuantity } from '../../../src/config/quantity.ts';

test.each([
  ['0', 0],
  ['64Ki', 65_536],
  ['1.5M', 1_500_000],
  ['100m', 0.1],
  ['1E', 1e18],
  ['1e3', 1000],
  ['-1Gi', -(2 ** 30)],
])('%s is %d', (text, value) => {
  expect(parseQuantity(text)).toBeCloseTo(value, 6);
});

test.each(['', 'Ki', '1 Ki', '1KB', '1.2.3', '0x10'])('%j is no quantity', (text) => {
  expect(parseQuantity(text)).toBeUndefined();
});
