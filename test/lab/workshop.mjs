// What the lab needs on the host before anything runs: the cache folder, the compiled C pieces
// (XSAVE shim, traffic tool), the folder of legacy iptables names, the link that lets modprobe find
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

const xtablesNames = ['iptables', 'ip6tables'].flatMap((tool) => [
  tool,
  `${tool}-save`,
  `${tool}-restore`,
]);

/**
 * A folder that, first in PATH, makes `iptables` and its companions the legacy ones: User-Mode
 * Linux has no nf_tables.
 */
export function legacyXtablesFolder() {
  const folder = join(cacheFolder(), 'xtables-legacy');
  mkdirSync(folder, { recursive: true });
  for (const name of xtablesNames) {
    const legacy = name.replace('tables', 'tables-legacy');
    link(`/usr/sbin/${legacy}`, join(folder, name));
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

/** Debian packages a missing program comes from. */
const packageOf = {
  'linux.uml': 'user-mode-linux',
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
 * @param {boolean} needsKernel whether User-Mode Linux itself is needed too
 * @returns names of Debian packages that are missing, sorted
 */
export function missingPackages(needsKernel) {
  const programs = Object.entries(packageOf).filter(
    ([program]) => (needsKernel || program !== 'linux.uml') && !findProgram(program),
  );
  return [...new Set(programs.map(([, name]) => name))].sort((a, b) => a.localeCompare(b));
}
