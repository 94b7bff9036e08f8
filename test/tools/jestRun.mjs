// One run of jest and its totals per kind of test. Totals come from jest's JSON report, never from its text; a run
// without a report, or a file that could not be loaded, counts as a failure.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { nodeProgram } from './setUp.mjs';
import { resultsFolder } from './totals.mjs';

/**
 * @param kinds jest projects, e.g. `['unit', 'property']`
 * @param prefix argv that runs a command elsewhere (the lab); empty for here
 * @param jestArguments passed on
 * @returns totals `{ passed, failed, skipped }` by kind
 */
export async function runJest(kinds, { prefix = [], jestArguments = [] } = {}) {
  mkdirSync(resultsFolder, { recursive: true });
  const report = join(resultsFolder, `${kinds.join('-')}.json`);
  rmSync(report, { force: true });
  const argv = [
    ...prefix,
    nodeProgram(),
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(checkout, 'node_modules', 'jest', 'bin', 'jest.js'),
    '--selectProjects',
    ...kinds,
    '--passWithNoTests',
    '--watchman=false',
    '--json',
    `--outputFile=${report}`,
    ...jestArguments,
  ];
  const status = await run(argv);
  const written = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  return totalsOf(kinds, written, status);
}

function run(argv) {
  return new Promise((resolve, reject) => {
    // jest prints its progress on stderr, and the report also on stdout, where nobody needs it.
    const child = spawn(argv[0], argv.slice(1), {
      cwd: checkout,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
}

/**
 * @param report jest's JSON report; undefined when it wrote none
 * @param status jest's exit status
 * @param testFolder absolute; the folder in it that a file is in is its kind
 */
export function totalsOf(kinds, report, status, testFolder = join(checkout, 'test')) {
  const totals = Object.fromEntries(
    kinds.map((kind) => [kind, { passed: 0, failed: 0, skipped: 0 }]),
  );
  for (const { name, assertionResults, status: fileStatus } of report?.testResults ?? []) {
    const of = totals[relative(testFolder, name).split('/')[0]];
    for (const { status: outcome } of assertionResults) {
      of[outcome === 'passed' || outcome === 'failed' ? outcome : 'skipped']++;
    }
    // A file that cannot be loaded, or whose set-up fails outside a test, has no failed test to count.
    const hasFailed = assertionResults.some(({ status: outcome }) => outcome === 'failed');
    if (fileStatus === 'failed' && !hasFailed) of.failed++;
  }
  // No report, or what jest itself objects to, such as an error after the last test.
  const hasFailure = Object.values(totals).some(({ failed }) => failed > 0);
  if (!hasFailure && (status !== 0 || !report)) totals[kinds[0]].failed++;
  return totals;
}
