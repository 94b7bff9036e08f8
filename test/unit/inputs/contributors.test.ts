import { expect, test } from '@jest/globals';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { type ContributorRow, openContributors } from '../../../src/inputs/contributors.ts';
import { TEST_FOOTPRINT, TestContributor } from '../../support/objects/testContributor.ts';

const { config } = resolveConfig({ flags: new Map(), isInCluster: true });

function row(isOn: boolean, loads: string[] = []): ContributorRow {
  const load = async () => {
    loads.push(TEST_FOOTPRINT.name);
    return () => new TestContributor();
  };
  const asked = { load, needs: ['HeadlessServices'] } as const;
  return { footprint: TEST_FOOTPRINT, asked: () => (isOn ? asked : undefined) };
}

test('one that the configuration asks for is loaded once and made anew for each builder', async () => {
  const loads: string[] = [];
  const { make, off, needs } = await openContributors(config!, [row(true, loads)]);
  const [first, second] = [make(), make()];
  expect(loads).toEqual(['test']);
  expect(first[0]).toBeInstanceOf(TestContributor);
  expect(second[0]).not.toBe(first[0]);
  expect(off).toEqual([]);
  expect([...needs]).toEqual(['HeadlessServices']);
});

test('one that it does not ask for is not loaded and needs nothing; its names are known', async () => {
  const loads: string[] = [];
  const { make, off, needs } = await openContributors(config!, [row(false, loads)]);
  expect(loads).toEqual([]);
  expect(make()).toEqual([]);
  expect(off).toEqual([TEST_FOOTPRINT]);
  expect(needs.size).toBe(0);
});
