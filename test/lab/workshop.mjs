// What the lab needs on the host before anything runs: the cache folder, the compiled C pieces
// (XSAVE shim, traffic tool, …), folders of iptables names, the link that lets modprobe find
// User-Mode Linux's modules. Everything here is idempotent and quick when nothing is to do. Which
// kernel to use is decided in choose.mjs.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../../packaging/machine.mjs';

/** @import { LabKernel } from './choose.mjs' */

const labFolder = dirname(fileURLToPath(import.meta.url));

/**
 * Where compiled pieces and the folders of runs live; outside git, safe to delete when no lab runs.
 */
export function cacheFolder() {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const folder = join(base, 'kube-ipvs', 'lab');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Compiles one C file of this folder unless a build of the same text is there already.
 *
 * @param {string} name file in test/lab, e.g. `xsave-shim.c`
 * @param {readonly string[]} flags for gcc, part of the identity of the result
 * @returns absolute path of the result, its name carrying a hash of source and flags
 */
export function compiled(name, flags) {
  const source = join(labFolder, name);
  const identity = createHash('sha256').update(readFileSync(source)).update(flags.join(' '));
  const target = join(cacheFolder(), `${name}-${identity.digest('hex').slice(0, 12)}`);
  if (existsSync(target)) return target;
  const part = `${target}.${process.pid}`;
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', ...flags, '-o', part, source], {
    stdio: ['ignore', 2, 2],
  });
  renameSync(part, target);
  return target;
}

export const xsaveShim = () => compiled('xsave-shim.c', ['-shared', '-fPIC']);

export const trafficTool = () => compiled('traffic.c', []);

export const loadTool = () => compiled('load.c', []);

export const strainTool = () => compiled('strain.c', []);

const xtablesNames = ['iptables', 'ip6tables'].flatMap((tool) => [
  tool,
  `${tool}-save`,
  `${tool}-restore`,
]);

/**
 * A folder that, first in PATH, makes `iptables` and its companions those of one variant, whatever
 * the machine's own choice is.
 *
 * @param {'legacy' | 'nft'} variant User-Mode Linux has no nf_tables
 */
export function xtablesFolder(variant) {
  const folder = join(cacheFolder(), `xtables-${variant}`);
  mkdirSync(folder, { recursive: true });
  for (const name of xtablesNames) {
    link(`/usr/sbin/${name.replace('tables', `tables-${variant}`)}`, join(folder, name));
  }
  return folder;
}

/**
 * Makes `modprobe` inside the lab kernel find its modules: it looks in /lib/modules/RELEASE,
 * Debian's package puts them elsewhere, and the lab sees the host's own tree.
 */
export function linkModules() {
  const home = '/usr/lib/uml/modules';
  mkdirSync('/lib/modules', { recursive: true });
  for (const release of readdirSync(home)) link(join(home, release), join('/lib/modules', release));
}

/**
 * @param {string} target
 * @param {string} path
 */
function link(target, path) {
  if (lstatSync(path, { throwIfNoEntry: false })) {
    if (existsSync(path)) return;
    unlinkSync(path);
  }
  try {
    symlinkSync(target, path);
  } catch (error) {
    // Another lab was faster.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
}

/** Programs of one kernel alone, and the Debian packages they come from. */
const kernelPackages = {
  host: {},
  uml: { 'linux.uml': 'user-mode-linux' },
  debian: { 'qemu-system-x86_64': 'qemu-system-x86' },
};

/** Debian packages a missing program comes from. */
const packageOf = {
  gcc: 'gcc',
  ip: 'iproute2',
  ipset: 'ipset',
  ipvsadm: 'ipvsadm',
  iptables: 'iptables',
  conntrack: 'conntrack',
  modprobe: 'kmod',
  setpriv: 'util-linux',
  taskset: 'util-linux',
};

/**
 * @param {LabKernel} kernel
 * @returns names of Debian packages that are missing, sorted
 */
export function missingPackages(kernel) {
  const programs = Object.entries({ ...kernelPackages[kernel], ...packageOf });
  const missing = programs.filter(([program]) => !findProgram(program));
  return [...new Set(missing.map(([, name]) => name))].sort((a, b) => a.localeCompare(b));
}
