// One run of jest and its totals per kind of test. Totals come from jest's JSON report, never from
// its text; a run without a report, or a file that could not be loaded, counts as a failure.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { chooseKernel } from '../lab/choose.mjs';
import { checkout, must } from '../../packaging/machine.mjs';
import { nodeProgram } from './setUp.mjs';
import { resultsFolder, sumOf } from './totals.mjs';

/** @import { Totals } from './totals.mjs' */

/**
 * @typedef {object} JestReport of which only this is looked at
 * @property {readonly {
 *   name: string,
 *   status: string,
 *   assertionResults: readonly { status: string }[],
 * }[]} testResults
 */

/**
 * @typedef {object} JestOptions
 * @property {readonly string[]} [prefix] argv that runs a command elsewhere (the lab); none: here
 * @property {readonly string[]} [jestArguments] passed on
 * @property {string} [name] of its report, where several run at once
 *
 * @param {readonly string[]} kinds jest projects, e.g. `['unit', 'property']`
 * @param {JestOptions} options
 */
export async function runJest(kinds, options = {}) {
  const { prefix = [], jestArguments = [], name = kinds.join('-') } = options;
  mkdirSync(resultsFolder, { recursive: true });
  const report = join(resultsFolder, `${name}.json`);
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
  return totalsOf(kinds, existsSync(report) ? readReport(report) : undefined, status);
}

/**
 * @param {string} path
 * @returns {JestReport}
 */
const readReport = (path) => JSON.parse(readFileSync(path, 'utf8'));

/**
 * All in one boot of the lab, one after the other.
 *
 * @param {readonly string[]} kinds
 * @param {readonly string[]} labOptions as `npm run lab` takes them
 * @param {readonly string[]} jestArguments passed on
 */
export function runInLab(kinds, labOptions, jestArguments = []) {
  buildBundle();
  return runJest(kinds, inLab(labOptions, jestArguments));
}

/**
 * Each file in one of several labs that run side by side, one for each CPU and at most four: a
 * User-Mode Linux has one processor. A kernel that is the machine's own is one lab.
 *
 * @param {string} kind
 * @param {readonly string[]} labOptions as `npm run lab` takes them
 */
export async function runInLabs(kind, labOptions) {
  buildBundle();
  const count = chooseKernel().kernel === 'uml' ? Math.min(cpus().length, 4) : 1;
  const runs = Array.from({ length: count }, (_, cpu) => {
    const shard = [`--shard=${cpu + 1}/${count}`];
    const { prefix, jestArguments } = inLab([...labOptions, '--cpu', `${cpu}`], shard);
    return runJest([kind], { prefix, jestArguments, name: `${kind}-${cpu + 1}` });
  });
  return sumOf(await Promise.all(runs));
}

function buildBundle() {
  must([nodeProgram(), join(checkout, 'packaging', 'bundle', 'bundle.ts')]);
}

/**
 * @param {readonly string[]} labOptions
 * @param {readonly string[]} jestArguments
 */
function inLab(labOptions, jestArguments) {
  const lab = join(checkout, 'test', 'lab', 'run.mjs');
  const prefix = [process.execPath, lab, ...labOptions, '--env', 'KUBE_IPVS_BUILT=1', '--'];
  return { prefix, jestArguments: ['--runInBand', ...jestArguments] };
}

/**
 * @param {readonly string[]} argv
 * @returns {Promise<number>} exit status
 */
function run(argv) {
  return new Promise((resolve, reject) => {
    // jest prints its progress on stderr, and the report also on stdout, where nobody needs it.
    const [program = '', ...rest] = argv;
    const child = spawn(program, rest, {
      cwd: checkout,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
}

/**
 * @param {readonly string[]} kinds
 * @param {JestReport | undefined} report jest's JSON report; undefined when it wrote none
 * @param {number} status jest's exit status
 * @param {string} testFolder absolute; the folder in it that a file is in is its kind
 * @returns {Totals} of each kind
 */
export function totalsOf(kinds, report, status, testFolder = join(checkout, 'test')) {
  /** @type {Totals} */
  const totals = Object.fromEntries(
    kinds.map((kind) => [kind, { passed: 0, failed: 0, skipped: 0 }]),
  );
  for (const { name, assertionResults, status: fileStatus } of report?.testResults ?? []) {
    const [kind = ''] = relative(testFolder, name).split('/');
    const of = (totals[kind] ??= { passed: 0, failed: 0, skipped: 0 });
    for (const { status: outcome } of assertionResults) {
      of[outcome === 'passed' || outcome === 'failed' ? outcome : 'skipped']++;
    }
    // A file that cannot be loaded, or whose set-up fails outside a test, has no failed test to
    // count.
    const hasFailed = assertionResults.some(({ status: outcome }) => outcome === 'failed');
    if (fileStatus === 'failed' && !hasFailed) of.failed++;
  }
  // No report, or what jest itself objects to, such as an error after the last test.
  const all = Object.values(totals);
  const hasFailure = all.some(({ failed }) => failed > 0);
  if (!hasFailure && (status !== 0 || !report) && all[0]) all[0].failed++;
  return totals;
}
