// What `npm test` needs before the first test, brought about where it is missing: Debian packages,
// node_modules, the addon, the API server. Each step says what it does and is quick when there is
// nothing to do. Plain JavaScript for Node 20: it runs before node_modules is there.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseKernel } from '../lab/choose.mjs';
import { checkout, findProgram, must, say } from '../../packaging/machine.mjs';
import { missingPackages } from '../lab/workshop.mjs';
import { buildCloud, findCloud } from './cloud.mjs';
import { buildHelm, findHelm } from './helm.mjs';
import { buildBinary, findBinary } from './kubernetes.mjs';

/** @import { LabKernel } from '../lab/choose.mjs' */

/** Programs beyond the lab's own, and the Debian packages they come from. */
const testPackages = {
  curl: 'curl',
  nft: 'nftables',
  etcd: 'etcd-server',
  openssl: 'openssl',
  make: 'make',
  'g++': 'g++',
  python3: 'python3',
  tcpdump: 'tcpdump',
};

/**
 * Installs what is missing; needs root for that and says what to install otherwise.
 *
 * @param {readonly LabKernel[]} kernels that are needed beside the one that the lab chooses
 */
export function ensurePackages(kernels = []) {
  const labs = [chooseKernel().kernel, ...kernels];
  const missing = [...new Set(labs.flatMap((kernel) => missingPackages(kernel)))];
  for (const [program, name] of Object.entries(testPackages)) {
    if (!findProgram(program) && !findBinary(program)) missing.push(name);
  }
  if (missing.length === 0) return;
  say(`installing Debian packages: ${missing.join(' ')}`);
  if (process.getuid?.() !== 0 || !findProgram('apt-get')) {
    throw new Error(`missing programs; as root: apt-get install -y ${missing.join(' ')}`);
  }
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
  must(['apt-get', 'update', '-qq'], quiet);
  // dpkg prints several lines a package whatever it is told.
  const install = ['apt-get', 'install', '-y', '-qq', '--no-install-recommends'];
  must([...install, ...missing], quiet, 'ignore');
}

/** Runs `npm ci` when node_modules is not what package-lock.json says. */
export function ensureModules() {
  if (modulesMatchLock()) return;
  say('npm ci');
  must(['npm', 'ci', '--no-audit', '--no-fund']);
}

function modulesMatchLock() {
  const installed = join(checkout, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || optional || present[path]?.version === version,
  );
}

/** Compiles the addon when its sources are newer (addon/build.mjs decides). */
export function ensureAddon() {
  must([nodeProgram(), join(checkout, 'addon', 'build.mjs')]);
}

/** The pinned Node of node_modules; what started this may be the system's older one. */
export const nodeProgram = () => join(checkout, 'node_modules', '.bin', 'node');

/**
 * Finds or builds programs of Kubernetes.
 *
 * @returns undefined, or why one cannot be had and what to do
 */
export function ensureKubernetes(names = ['kube-apiserver']) {
  try {
    for (const name of names.filter((each) => !findBinary(each))) {
      say(`building ${name} with Go (once, about 5 minutes)`);
      buildBinary(name);
    }
    return undefined;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** Finds or builds the cloud of the tests. @returns undefined, or why it cannot be had */
export function ensureCloud() {
  if (findCloud()) return undefined;
  say('building the cloud of the tests with Go (seconds where kube-apiserver was built)');
  try {
    buildCloud();
    return undefined;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** Finds or builds helm. @returns undefined, or why it cannot be had and what to do */
export function ensureHelm() {
  if (findHelm()) return undefined;
  say('building helm with Go (once, about 4 minutes)');
  try {
    buildHelm();
    return undefined;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}
