#!/usr/bin/env node
// `npm run test:kernels`: everything that needs a kernel, on each kernel that can be had here, and
// the table of it in docs/support.md. `npm run test:kernels -- debian-6.1` runs one of them and
// leaves the document alone. Half an hour or so for each emulated one.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, say } from '../../packaging/machine.mjs';
import { chooseKernel } from '../lab/choose.mjs';
import { readReport, runInLab } from './jestRun.mjs';
import * as setUp from './setUp.mjs';
import { between, kernelTable, resultsByFile, sumOf } from './supportTable.mjs';
import { totalsLine, totalsTable } from './totals.mjs';

/** @import { KernelResults } from './supportTable.mjs' */
/** @import { Totals } from './totals.mjs' */

const DOCUMENT = join(checkout, 'docs', 'support.md');
const LAB = join(checkout, 'test', 'lab', 'run.mjs');

/** @param {readonly string[]} argv */
async function main(argv) {
  setUp.ensurePackages(['debian']);
  setUp.ensureModules();
  setUp.ensureAddon();
  const wanted = argv.length > 0 ? argv : [chooseKernel().kernel, 'debian-6.1', 'debian-6.12'];
  /** @type {Totals} */
  const totals = {};
  /** @type {KernelResults[]} */
  const results = [];
  for (const kernel of wanted) {
    const about = lookAt(kernel);
    say(`kernel ${about.release}, iptables ${about.iptables}`);
    const kinds = kernel.startsWith('debian') ? ['kernel', 'debian'] : ['kernel'];
    const ofKinds = await runInLab(kinds, ['--kernel', kernel, '--timeout', '10000']);
    totals[kernel] = sumOf(Object.values(ofKinds));
    results.push({ ...about, files: resultsByFile(readReport(kinds), join(checkout, 'test')) });
  }
  if (argv.length === 0) {
    const text = readFileSync(DOCUMENT, 'utf8');
    writeFileSync(DOCUMENT, between(text, kernelTable(results)));
  }
  process.stdout.write(`\n${totalsTable(totals)}\n${totalsLine(totals)}\n`);
  return Object.values(totals).some(({ failed }) => failed > 0) ? 1 : 0;
}

/**
 * What a kernel says of itself.
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
  return { kernel, release, processors, iptables: iptables.replace(/^iptables v/, '') };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stdout.write(`npm run test:kernels: ${message}\n0 passed, 1 failed\n`);
  process.exitCode = 1;
}
