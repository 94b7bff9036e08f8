#!/usr/bin/env node
// `npm run takeover`: brings about what is missing (packages, node_modules, the addon, the programs
// of Kubernetes) and hands over to takeover.ts, which needs all of that. Plain JavaScript for Node
// 20, because in a fresh clone nothing else is there yet.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import * as setUp from '../tools/setUp.mjs';

try {
  setUp.ensurePackages();
  setUp.ensureModules();
  setUp.ensureAddon();
  const obstacle = setUp.ensureKubernetes(['kube-apiserver', 'kube-proxy']);
  if (obstacle !== undefined) throw new Error(obstacle);
  const program = join(checkout, 'test', 'takeover', 'takeover.ts');
  const { status } = spawnSync(
    setUp.nodeProgram(),
    ['--disable-warning=ExperimentalWarning', program, ...process.argv.slice(2)],
    { cwd: checkout, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stdout.write(`npm run takeover: ${message}\n`);
  process.exitCode = 1;
}
