#!/usr/bin/env node
// `npm run demo`: brings about what is missing (Debian packages, node_modules, the addon, the
// product's bundle, with --api the Kubernetes binaries) and hands over to machine.ts, which needs
// all of that. Plain JavaScript for Node 20, because on a fresh machine nothing else is there yet.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { checkout, must, say } from '../../packaging/machine.mjs';
import * as setUp from '../../test/tools/setUp.mjs';
import { parseOptions, usage, UsageError } from './options.mjs';

/** @param {readonly string[]} argv */
async function main(argv) {
  const options = parseOptions(argv);
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (process.getuid?.() !== 0) throw new Error('the demo needs root: run it with sudo');
  const began = Date.now();
  say('kube-ipvs demo; setting up what is missing (the first time this takes some minutes)');
  setUp.ensurePackages();
  setUp.ensureModules();
  setUp.ensureAddon();
  must([setUp.nodeProgram(), join(checkout, 'packaging', 'bundle', 'bundle.ts')]);
  if (options.api) {
    const obstacle = setUp.ensureKubernetes();
    if (obstacle !== undefined) throw new Error(`--api cannot run here: ${obstacle}`);
  }
  say(`set up after ${((Date.now() - began) / 1000).toFixed(1)} s; booting the lab`);
  return handOver(argv);
}

/**
 * Signals of the terminal reach it too; this one only waits for its end.
 *
 * @param {readonly string[]} argv
 * @returns {Promise<number>} its exit status
 */
function handOver(argv) {
  const program = join(checkout, 'demo', 'program', 'machine.ts');
  const child = spawn(
    setUp.nodeProgram(),
    ['--disable-warning=ExperimentalWarning', program, ...argv],
    { cwd: checkout, stdio: 'inherit' },
  );
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stderr.write(`demo: ${message}\n${error instanceof UsageError ? usage : ''}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
