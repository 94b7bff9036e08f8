#!/usr/bin/env node
// `npm run bench`: brings about what is missing (packages, node_modules, the addon, the product's
// bundle, the programs of Kubernetes) and hands over to bench.ts, which needs all of that. Plain
// JavaScript for Node 20, because in a fresh clone nothing else is there yet.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, must } from '../../packaging/machine.mjs';
import * as setUp from '../tools/setUp.mjs';

try {
  setUp.ensurePackages();
  setUp.ensureModules();
  setUp.ensureAddon();
  must([setUp.nodeProgram(), join(checkout, 'packaging', 'bundle', 'bundle.ts')]);
  // `--only kube-ipvs` needs no other proxy.
  const others = process.argv.includes('kube-ipvs') ? [] : ['kube-proxy'];
  const obstacle = setUp.ensureKubernetes(['kube-apiserver', ...others]);
  if (obstacle !== undefined) throw new Error(obstacle);
  // The proxies' logs go there.
  mkdirSync(join(checkout, '.cache'), { recursive: true });
  const program = join(checkout, 'test', 'bench', 'bench.ts');
  const { status } = spawnSync(
    setUp.nodeProgram(),
    ['--disable-warning=ExperimentalWarning', program, ...process.argv.slice(2)],
    { cwd: checkout, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stdout.write(`npm run bench: ${message}\n`);
  process.exitCode = 1;
}
