import { expect, test } from '@jest/globals';
import {
  type Consequence,
  ENDINGS,
  isHarmless,
  reasonOf,
  skipsObject,
} from '../../../src/model/consequence.ts';

const ALL = Object.keys(ENDINGS) as Consequence[];

test('each ends the sentence in words of its own, so that nobody has to guess what becomes of the object', () => {
  const ends = ALL.map((consequence) => ENDINGS[consequence]);
  expect(ends.filter((end) => !/^[;:,] \w.{6,}[^.\s]$/.test(end))).toEqual([]);
  expect(new Set<string>(ends).size).toBe(ends.length);
});

test('programs know each by its name, but for two that differ in their sentence alone', () => {
  const renamed = ALL.filter((consequence) => reasonOf(consequence) !== consequence);
  expect(renamed.map((consequence) => [consequence, reasonOf(consequence)])).toEqual([
    ['ClusterIPGuarded', 'AddressNotServed'],
    ['CircleLeftOut', 'EndpointSkipped'],
  ]);
});

test('one alone harms nobody, and four are of the whole object', () => {
  expect(ALL.filter(isHarmless)).toEqual(['AddressNotBound']);
  expect(ALL.filter(skipsObject)).toEqual([
    'ServiceSkipped',
    'EndpointSliceSkipped',
    'NodeSkipped',
    'ObjectSkipped',
  ]);
});
