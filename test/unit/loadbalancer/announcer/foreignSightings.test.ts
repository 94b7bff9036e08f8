import { expect, test } from '@jest/globals';
import { ForeignSightings } from '../../../../src/loadbalancer/announcer/foreignSightings.ts';

const VIP = '192.0.2.64';
const HALF_AN_HOUR_MS = 1_800_000;

test('a machine is news once, and another one is', () => {
  const sightings = new ForeignSightings();
  expect(sightings.note(VIP, '02:00:00:00:00:98', 0)).toBe(true);
  expect(sightings.note(VIP, '02:00:00:00:00:98', 1)).toBe(false);
  expect(sightings.note(VIP, '02:00:00:00:00:99', 2)).toBe(true);
});

test('one that is not seen for long is forgotten, counted from the last time', () => {
  const sightings = new ForeignSightings();
  sightings.note(VIP, '02:00:00:00:00:98', 0);
  sightings.note(VIP, '02:00:00:00:00:98', 1_000);
  expect(sightings.forget(HALF_AN_HOUR_MS + 999)).toEqual([]);
  expect(sightings.forget(HALF_AN_HOUR_MS + 1_000)).toEqual([VIP]);
  expect(sightings.forget(HALF_AN_HOUR_MS + 1_000)).toEqual([]);
  expect(sightings.note(VIP, '02:00:00:00:00:98', HALF_AN_HOUR_MS + 2_000)).toBe(true);
});
