#!/usr/bin/env node
// `npm run bench`: reads its command line, brings about what is missing (packages, node_modules,
// the addon, the product's bundle, the programs of Kubernetes) and hands over to bench.ts, which
// needs all of that. Plain JavaScript for Node 20, because in a fresh clone nothing else is there
// yet.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, must } from '../../packaging/machine.mjs';
import * as setUp from '../tools/setUp.mjs';
import { parseOptions, usage, UsageError } from './options.mjs';

try {
  const argv = process.argv.slice(2);
  const { help, only } = parseOptions(argv);
  if (help) process.stdout.write(usage);
  else process.exitCode = bench(argv, only);
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stderr.write(`npm run bench: ${message}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

/**
 * @param {readonly string[]} argv
 * @param {string | undefined} only
 * @returns its exit status
 */
function bench(argv, only) {
  setUp.ensurePackages();
  setUp.ensureModules();
  setUp.ensureAddon();
  must([setUp.nodeProgram(), join(checkout, 'packaging', 'bundle', 'bundle.ts')]);
  const others = only === 'kube-ipvs' ? [] : ['kube-proxy'];
  const obstacle = setUp.ensureKubernetes(['kube-apiserver', ...others]);
  if (obstacle !== undefined) throw new Error(obstacle);
  // The proxies' logs go there.
  mkdirSync(join(checkout, '.cache'), { recursive: true });
  const program = join(checkout, 'test', 'bench', 'bench.ts');
  const { status } = spawnSync(
    setUp.nodeProgram(),
    ['--disable-warning=ExperimentalWarning', program, ...argv],
    { cwd: checkout, stdio: 'inherit' },
  );
  return status ?? 1;
}
