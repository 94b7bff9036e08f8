import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { plainInt, pointerInt, unsignedInt } from '../../../src/config/fieldTypes.ts';

test.each([
  [-(2 ** 31), true],
  [-(2 ** 31) - 1, false],
  [2 ** 31 - 1, true],
  [2 ** 31, false],
  [1.5, false],
  ['1', false],
])('%j fits into an int32 of Go: %j', (value, fits) => {
  expect(v.safeParse(plainInt(7), value).success).toBe(fits);
  expect(v.safeParse(pointerInt(7), value).success).toBe(fits);
  const isUnsigned = typeof value === 'number' && value >= 0;
  expect(v.safeParse(unsignedInt(), value).success).toBe(fits && isUnsigned);
});

test('zero is the default of a plain field and a value of a pointer', () => {
  expect([0, null, undefined].map((value) => v.parse(plainInt(7), value))).toEqual([7, 7, 7]);
  expect([0, null, undefined].map((value) => v.parse(pointerInt(7), value))).toEqual([0, 7, 7]);
});
