import { expect, test } from '@jest/globals';
import { trimmed } from '../../../src/model/trimmed.ts';

test('holds the same in the same order, in a list of its own', () => {
  const list = ['b', 'a'];
  expect(trimmed(list)).toEqual(['b', 'a']);
  expect(trimmed(list)).not.toBe(list);
});

test('all that are empty are one', () => {
  expect(trimmed([])).toEqual([]);
  expect(trimmed([])).toBe(trimmed<number>([]));
});
