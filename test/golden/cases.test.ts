/**
 * Small inputs with the right outcome that others collected, judged by `plan`. They lie beside the
 * checkout, in ../shared/cases (elsewhere: KUBE_IPVS_CASES); where they are not, there is nothing
 * to judge. What they teach is in test/golden/scenarios too, in our own words.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { CASES, NOT_BY_PLAN } from '../support/golden/cases.ts';

const folder = resolve(process.env['KUBE_IPVS_CASES'] ?? '../shared/cases');
const present = existsSync(folder) ? readdirSync(folder).toSorted() : [];

test('each case that is there is judged, or it is said where', () => {
  const known = new Set([...Object.keys(CASES), ...Object.keys(NOT_BY_PLAN)]);
  expect(present.filter((name) => !known.has(name))).toEqual([]);
});

for (const name of present.filter((each) => Object.hasOwn(CASES, each))) {
  // oxlint-disable-next-line jest/valid-title
  test(name, async () => {
    await CASES[name]!(join(folder, name));
  });
}
