#!/usr/bin/env node
// `npm test`: sets up what is missing, runs every kind of test where it belongs (in the lab what
// needs IPVS, natively the rest), prints totals per kind and, last, one plain line. `npm test --
// kernel e2e` runs only these kinds.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, say } from '../../packaging/machine.mjs';
import { runInLab, runInLabs, runJest } from './jestRun.mjs';
import * as setUp from './setUp.mjs';
import { totalsLine, totalsTable, writeTotals } from './totals.mjs';

const native = ['unit', 'property', 'golden'];
const all = [...native, 'kernel', 'debian', 'e2e', 'chart'];

/** @import { Totals } from './totals.mjs' */

/**
 * A test that fails may leave a server or a watch behind, which must not keep the run from its end.
 */
const clusterArguments = ['--runInBand', '--testTimeout=120000', '--forceExit'];

/** A run here may leave out neither of these for want of a kernel or an API server. */
const isCi = Boolean(process.env['CI']) && process.env['CI'] !== 'false';

const none = { passed: 0, failed: 0, skipped: 0 };

/** @param {readonly string[]} argv */
async function main(argv) {
  const wanted = argv.length === 0 ? all : argv;
  const unknown = wanted.filter((kind) => !all.includes(kind));
  if (unknown.length > 0)
    throw new Error(`no such kind of test: ${unknown.join(', ')}; there are ${all.join(', ')}`);
  setUp.ensurePackages(wanted.includes('debian') ? ['debian'] : []);
  setUp.ensureModules();
  setUp.ensureAddon();

  /** @type {Totals} */
  const totals = {};
  const nativeWanted = native.filter((kind) => wanted.includes(kind));
  if (nativeWanted.length > 0) {
    say(`${nativeWanted.join(', ')} tests`);
    Object.assign(totals, await runJest(nativeWanted));
  }
  if (wanted.includes('kernel')) Object.assign(totals, await kernelTests());
  if (wanted.includes('debian')) Object.assign(totals, await debianTests());
  if (wanted.includes('e2e')) Object.assign(totals, await endToEndTests());
  if (wanted.includes('chart')) Object.assign(totals, await chartTests());
  writeTotals(totals);
  process.stdout.write(`\n${totalsTable(totals)}\n${totalsLine(totals)}\n`);
  return Object.values(totals).some(({ failed }) => failed > 0) ? 1 : 0;
}

async function kernelTests() {
  say('kernel tests, in the lab, or in several of them');
  return mustNotBeEmpty('kernel', await runInLabs('kernel', ['--timeout', '3000']));
}

/**
 * What takes nf_tables or modules; emulated, so what is in `more` is left to `npm run
 * test:kernels`.
 */
async function debianTests() {
  say('debian tests, in a packaged Debian kernel, emulated');
  const lab = ['--timeout', '3000', '--kernel', 'debian'];
  const leavingOut = ['--testPathIgnorePatterns', 'test/debian/more/'];
  return mustNotBeEmpty('debian', await runInLab(['debian'], lab, leavingOut));
}

async function endToEndTests() {
  say('end-to-end tests, with etcd, kube-apiserver, kube-proxy and a cloud');
  const obstacle = setUp.ensureKubernetes(['kube-apiserver', 'kube-proxy']) ?? setUp.ensureCloud();
  if (obstacle !== undefined) return without('e2e', obstacle);
  return mustNotBeEmpty('e2e', await runJest(['e2e'], { jestArguments: clusterArguments }));
}

/** The image, and the chart with the real helm; from nothing about ten minutes of building. */
async function chartTests() {
  say('image and chart tests, with buildah, helm and kube-apiserver');
  const obstacle = setUp.ensureKubernetes(['kube-apiserver', 'kube-proxy']) ?? setUp.ensureHelm();
  if (obstacle !== undefined) return without('chart', obstacle);
  return mustNotBeEmpty('chart', await runJest(['chart'], { jestArguments: clusterArguments }));
}

/**
 * Totals of a kind that cannot run here: its files count as skipped, in CI as failed.
 *
 * @param {string} kind
 * @param {string} obstacle
 */
function without(kind, obstacle) {
  process.stdout.write(`${kind} tests ${isCi ? 'cannot run' : 'skipped'}: ${obstacle}\n`);
  const files = readdirSync(join(checkout, 'test', kind), { recursive: true, encoding: 'utf8' });
  const count = files.filter((file) => file.endsWith('.test.ts')).length;
  return { [kind]: { ...none, [isCi ? 'failed' : 'skipped']: count } };
}

/**
 * @param {string} kind
 * @param {Totals} totals
 */
function mustNotBeEmpty(kind, totals) {
  const { passed, failed, skipped } = totals[kind] ?? none;
  if (!isCi || (passed + failed > 0 && skipped === 0)) return totals;
  process.stdout.write(`${kind} tests may neither be missing nor skipped in CI\n`);
  return { [kind]: { passed, failed: failed + 1, skipped } };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stdout.write(`npm test: ${message}\n0 passed, 1 failed\n`);
  process.exitCode = 1;
}
