#!/usr/bin/env node
// `npm run test:kernels`: everything that needs a kernel, on each kernel that can be had here, and
// the table of it in docs/support.md. Half an hour or so for each emulated one; so they can be gone
// through one by one, `npm run test:kernels -- debian-6.1`: what each came to is kept, and the
// document is written once all of them are there.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, say } from '../../packaging/machine.mjs';
import { chooseKernel } from '../lab/choose.mjs';
import { readReport, runInLab } from './jestRun.mjs';
import * as setUp from './setUp.mjs';
import { between, kernelTable, resultsByFile, sumOf } from './supportTable.mjs';
import { resultsFolder, totalsLine, totalsTable } from './totals.mjs';

/** @import { KernelResults } from './supportTable.mjs' */
/** @import { Totals } from './totals.mjs' */

const DOCUMENT = join(checkout, 'docs', 'support.md');
const LAB = join(checkout, 'test', 'lab', 'run.mjs');

/** @param {readonly string[]} argv */
async function main(argv) {
  setUp.ensurePackages(['debian']);
  setUp.ensureModules();
  setUp.ensureAddon();
  const all = [chooseKernel().kernel, 'debian-6.1', 'debian-6.12'];
  /** @type {Totals} */
  const totals = {};
  for (const kernel of argv.length > 0 ? argv : all) {
    const about = lookAt(kernel);
    say(`kernel ${about.release}, iptables ${about.iptables}`);
    const kinds = kernel.startsWith('debian') ? ['kernel', 'debian'] : ['kernel'];
    const ofKinds = await runInLab(kinds, ['--kernel', kernel, '--timeout', '10000']);
    totals[kernel] = sumOf(Object.values(ofKinds));
    keep({ ...about, files: resultsByFile(readReport(kinds), join(checkout, 'test')) });
  }
  if (all.every((kernel) => existsSync(keptIn(kernel)))) {
    const text = readFileSync(DOCUMENT, 'utf8');
    writeFileSync(DOCUMENT, between(text, kernelTable(all.map(kept))));
  }
  process.stdout.write(`\n${totalsTable(totals)}\n${totalsLine(totals)}\n`);
  return Object.values(totals).some(({ failed }) => failed > 0) ? 1 : 0;
}

/** @param {string} kernel as `--kernel` takes it */
const keptIn = (kernel) => join(resultsFolder, 'kernels', `${kernel}.json`);

/** @param {KernelResults} results */
function keep(results) {
  mkdirSync(join(resultsFolder, 'kernels'), { recursive: true });
  writeFileSync(keptIn(results.kernel), JSON.stringify(results, null, 2));
}

/**
 * @param {string} kernel as `--kernel` takes it
 * @returns {KernelResults}
 */
const kept = (kernel) => JSON.parse(readFileSync(keptIn(kernel), 'utf8'));

/**
 * What a kernel says of itself, and when.
 *
 * @param {string} kernel as `--kernel` takes it
 */
function lookAt(kernel) {
  const ask = 'uname -r; nproc; iptables --version';
  const argv = [LAB, '--kernel', kernel, '--quiet', '--', ask];
  const said = execFileSync(process.execPath, argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
  });
  const [release = '', processors = '', iptables = ''] = said.trim().split('\n');
  const date = new Date().toISOString().slice(0, 10);
  return { kernel, date, release, processors, iptables: iptables.replace(/^iptables v/, '') };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stdout.write(`npm run test:kernels: ${message}\n0 passed, 1 failed\n`);
  process.exitCode = 1;
}
