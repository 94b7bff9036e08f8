import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { dataplaneText, fixedText } from '../support/golden/dataplaneText.ts';
import { loadScenario } from '../support/golden/scenario.ts';

const ROOT = join(import.meta.dirname, 'scenarios');
const names = readdirSync(ROOT).toSorted();

/** `UPDATE_GOLDEN=1` rewrites what is expected; read the diff before it is committed. */
const isUpdating = process.env['UPDATE_GOLDEN'] === '1';

test('there are at least forty scenarios', () => {
  expect(names.length).toBeGreaterThanOrEqual(40);
});

test.each(names)('%s', async (name) => {
  const folder = join(ROOT, name);
  const { state, host, problems } = await loadScenario(folder);
  compare(join(folder, 'expected.txt'), dataplaneText(state, host, problems));
  const fixed = join(folder, 'expected-fixed.txt');
  compare(fixed, existsSync(fixed) ? fixedText(state) : undefined);
});

function compare(file: string, actual: string | undefined): void {
  if (actual === undefined) return;
  if (isUpdating) writeFileSync(file, actual);
  expect(actual).toBe(readFileSync(file, 'utf8'));
}
