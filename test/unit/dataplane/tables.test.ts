import { expect, test } from '@jest/globals';
import { mapTables, tablesIn } from '../../../src/dataplane/tables.ts';

test('tables come in the order in which a packet meets them, unused ones not at all', () => {
  expect(tablesIn({ filter: 1, nat: 2 })).toEqual([
    ['nat', 2],
    ['filter', 1],
  ]);
  const all = { filter: 1, nat: 2, mangle: 3, raw: 4 };
  expect(tablesIn(all).map(([name]) => name)).toEqual(['raw', 'mangle', 'nat', 'filter']);
});

test('what is made of tables has the same ones', () => {
  const mapped = mapTables({ nat: 1, filter: 2, raw: 3 }, (value, name) => `${name} ${value}`);
  expect(mapped).toEqual({ raw: 'raw 3', nat: 'nat 1', filter: 'filter 2' });
  expect('mangle' in mapped).toBe(false);
});
