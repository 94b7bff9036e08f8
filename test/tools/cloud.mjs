// Where the test's cloud comes from: our cache, or a build of test/tools/kubernetes/cloud with Go,
// which takes seconds where kube-apiserver has been built: both are of one module.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildFolder, buildPackage, isExecutable, moduleFolder } from './kubernetes.mjs';

/** By what it is built from. */
function cached() {
  const sources = readdirSync(join(moduleFolder, 'cloud')).sort();
  const hash = createHash('sha256');
  for (const name of ['../go.mod', ...sources]) {
    hash.update(`${name}\n`).update(readFileSync(join(moduleFolder, 'cloud', name)));
  }
  return join(buildFolder(), `cloud-${hash.digest('hex').slice(0, 12)}`);
}

/** @returns absolute path, or undefined */
export function findCloud() {
  const path = cached();
  return isExecutable(path) ? path : undefined;
}

/** @throws with the reason and the cure where there is no Go or the build fails */
export function buildCloud() {
  return buildPackage('./cloud', cached());
}
