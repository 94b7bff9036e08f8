#!/usr/bin/env node
// `npm run test:kernels`: everything that needs a kernel, on each kernel that can be had here, and
// the tables of it in docs/support.md. An emulated one takes an hour. What each test file came to
// is kept as it ends: a run that was cut off goes on where it was, also kernel by kernel, and the
// document says how much of it has run at which commit.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkout, say } from '../../packaging/machine.mjs';
import { chooseKernel } from '../lab/choose.mjs';
import { runInLab } from './jestRun.mjs';
import { KeptResults, testsIn } from './keptResults.mjs';
import * as setUp from './setUp.mjs';
import { between, kernelTable, sumOf } from './supportTable.mjs';
import { totalsLine, totalsTable } from './totals.mjs';

/** @import { Totals } from './totals.mjs' */

const DOCUMENT = join(checkout, 'docs', 'support.md');
const REPORTER = join(checkout, 'test', 'tools', 'fileReporter.mjs');
const SEQUENCER = join(checkout, 'test', 'tools', 'namedOrder.mjs');
/** Of a run on one kernel, however slow the machine is. */
const LIMIT_SEC = 6 * 3600;

const usage = `usage: npm run test:kernels -- [--anew | --table] [KERNEL…]

KERNEL as npm run lab takes it: uml, host, debian-6.1, debian-6.12, debian-6.12.100+deb12-amd64

  --anew    run all files, also those that have run with the code as it is
  --table   run none; write docs/support.md from what is kept
`;

/** @param {readonly string[]} argv */
async function main(argv) {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: {
      anew: { type: 'boolean' },
      table: { type: 'boolean' },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const all = [chooseKernel().kernel, 'debian-6.1', 'debian-6.12'];
  const kernels = positionals.length > 0 ? positionals : all;
  const store = new KeptResults();
  if (!values.table) {
    setUp.ensurePackages(['debian']);
    setUp.ensureModules();
    setUp.ensureAddon();
    for (const kernel of kernels) await runOn(kernel, store, values.anew === true);
  }
  writeTables([...new Set([...all, ...kernels])], store);
  return summary(kernels, store);
}

/**
 * @param {string} kernel
 * @returns {readonly string[]} paths under test of the files that run there
 */
function testFiles(kernel) {
  return kindsOn(kernel).flatMap((kind) =>
    testsIn(join(checkout, 'test', kind)).map((path) => `${kind}/${path}`),
  );
}

/** @param {string} kernel */
const kindsOn = (kernel) => (kernel.startsWith('debian') ? ['kernel', 'debian'] : ['kernel']);

/**
 * All in one boot, those first that took the shortest the last time or have never run: when it is
 * cut off, most are done.
 *
 * @param {string} kernel
 * @param {KeptResults} store
 * @param {boolean} isAnew
 */
async function runOn(kernel, store, isAnew) {
  if (isAnew) store.forgetNow(kernel);
  const done = store.doneNow(kernel);
  const files = testFiles(kernel);
  const known = store.read(kernel, files)?.files ?? {};
  /** @param {string} path */
  const seconds = (path) => known[path]?.seconds ?? 0;
  const left = files.filter((path) => !done.has(path)).toSorted((a, b) => seconds(a) - seconds(b));
  say(`kernel ${kernel}: ${left.length} of ${files.length} test files are to be run`);
  if (left.length === 0) return;
  const keepIn = `KUBE_IPVS_KEEP_IN=${store.folderOfNow(kernel)}`;
  await runInLab(
    kindsOn(kernel),
    ['--kernel', kernel, '--timeout', `${LIMIT_SEC}`, '--env', keepIn],
    [
      '--reporters=default',
      `--reporters=${REPORTER}`,
      `--testSequencer=${SEQUENCER}`,
      '--runTestsByPath',
      ...left.map((path) => join(checkout, 'test', path)),
    ],
  );
}

/**
 * @param {readonly string[]} kernels
 * @param {KeptResults} store
 */
function writeTables(kernels, store) {
  const results = kernels.flatMap((kernel) => {
    const paths = testFiles(kernel);
    const kept = store.read(kernel, paths);
    return kept === undefined ? [] : [{ kernel, paths, ...kept }];
  });
  if (results.length === 0) return;
  const text = readFileSync(DOCUMENT, 'utf8');
  writeFileSync(DOCUMENT, between(text, kernelTable(results)));
}

/**
 * Of what has run with the code as it is.
 *
 * @param {readonly string[]} kernels
 * @param {KeptResults} store
 * @returns the exit status: 1 also when a file has no result
 */
function summary(kernels, store) {
  /** @type {Totals} */
  const totals = {};
  let isWhole = true;
  for (const kernel of kernels) {
    const done = store.doneNow(kernel);
    const paths = testFiles(kernel);
    const kept = store.read(kernel, paths);
    const files = Object.entries(kept?.files ?? {}).filter(([path]) => done.has(path));
    totals[kernel] = sumOf(files.map(([, result]) => result));
    for (const [path, { failures }] of files)
      for (const title of failures) say(`failed on ${kernel}: ${path}: ${title}`);
    const missing = paths.filter((path) => !done.has(path));
    isWhole &&= missing.length === 0;
    if (missing.length > 0)
      say(`${kernel}: ${missing.length} of ${paths.length} files have not run`);
  }
  process.stdout.write(`\n${totalsTable(totals)}\n${totalsLine(totals)}\n`);
  return isWhole && Object.values(totals).every(({ failed }) => failed === 0) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stdout.write(`npm run test:kernels: ${message}\n0 passed, 1 failed\n`);
  process.exitCode = 1;
}
