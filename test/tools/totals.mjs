// Totals of tests and checks, `{ KIND: { passed, failed, skipped } }`: kept in a file between `npm
// test` and `.ci/run`, and as text, a table by kind and the one plain line that ends both.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';

/** @typedef {Record<string, { passed: number, failed: number, skipped: number }>} Totals */

/** Folder of jest's reports and of the totals of the last run. */
export const resultsFolder = join(checkout, '.cache', 'test-results');
export const totalsFile = join(resultsFolder, 'totals.json');

/** @param {Totals} totals */
export function writeTotals(totals) {
  mkdirSync(dirname(totalsFile), { recursive: true });
  writeFileSync(totalsFile, `${JSON.stringify(totals, null, 2)}\n`);
}

/** @returns {Totals} */
export const readTotals = () => JSON.parse(readFileSync(totalsFile, 'utf8'));

/**
 * @param {readonly Totals[]} all of parts of one whole
 * @returns {Totals}
 */
export function sumOf(all) {
  /** @type {Totals} */
  const sum = {};
  for (const [kind, { passed, failed, skipped }] of all.flatMap(Object.entries)) {
    const of = (sum[kind] ??= { passed: 0, failed: 0, skipped: 0 });
    of.passed += passed;
    of.failed += failed;
    of.skipped += skipped;
  }
  return sum;
}

/** @param {Totals} totals */
export function totalsTable(totals) {
  /** @param {readonly [string, ...(string | number)[]]} cells */
  const row = ([first, ...rest]) =>
    [first.padEnd(12), ...rest.map((cell) => `${cell}`.padStart(8))].join('');
  const rows = Object.entries(totals).map(([kind, { passed, failed, skipped }]) =>
    row([kind, passed, failed, skipped]),
  );
  return `${[row(['', 'passed', 'failed', 'skipped']), ...rows].join('\n')}\n`;
}

/**
 * `N passed, N failed`, and `, N skipped` when any was.
 *
 * @param {Totals} totals
 */
export function totalsLine(totals) {
  /** @param {'passed' | 'failed' | 'skipped'} what */
  const sum = (what) => Object.values(totals).reduce((all, of) => all + of[what], 0);
  const line = `${sum('passed')} passed, ${sum('failed')} failed`;
  return sum('skipped') > 0 ? `${line}, ${sum('skipped')} skipped` : line;
}
