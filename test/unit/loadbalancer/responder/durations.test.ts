import { expect, test } from '@jest/globals';
import { DURATION_BOUNDS, Durations } from '../../../../src/loadbalancer/responder/durations.ts';

test('each is counted by the bound that it is within, and by none when it is longer', () => {
  const durations = new Durations();
  durations.add(0, 1);
  durations.add(0.000025, 2);
  durations.add(0.0015, 3);
  durations.add(9, 1);
  const { counts, sum } = durations.told;
  expect(counts).toHaveLength(DURATION_BOUNDS.length + 1);
  expect(counts[0]).toBe(3);
  expect(counts[DURATION_BOUNDS.indexOf(0.002)]).toBe(3);
  expect(counts.at(-1)).toBe(1);
  expect(sum).toBeCloseTo(9.00455);
});
