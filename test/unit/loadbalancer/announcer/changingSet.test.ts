import { expect, test } from '@jest/globals';
import { ChangingSet } from '../../../../src/loadbalancer/announcer/changingSet.ts';

const FIRST = '192.0.2.1';
const SECOND = '192.0.2.2';

test('a snapshot is the same as long as nothing comes or goes', () => {
  const set = new ChangingSet();
  set.add(FIRST);
  const { snapshot } = set;
  set.add(FIRST);
  set.delete(SECOND);
  expect(set.snapshot).toBe(snapshot);
  expect(snapshot).toEqual(new Set([FIRST]));
});

test.each<[what: string, change: (set: ChangingSet) => void, now: readonly string[]]>([
  ['what came', (set) => set.add(SECOND), [FIRST, SECOND]],
  ['what went', (set) => set.delete(FIRST), []],
  ['all that went', (set) => set.clear(), []],
])('%s is in the next one, and the one before stays as it was', (_, change, now) => {
  const set = new ChangingSet();
  set.add(FIRST);
  const { snapshot } = set;
  change(set);
  expect([...set.snapshot]).toEqual(now);
  expect([...snapshot]).toEqual([FIRST]);
});
