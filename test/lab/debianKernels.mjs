// Packaged Debian kernels for the emulated lab: which there are, how one is fetched, and where it
// is kept. A kernel lives as an unpacked package in ~/.cache/kube-ipvs/kernels/RELEASE. apt holds
// what it fetches against the archive's signatures; the files are held against the sums of that
// moment before each use. Nothing is installed on the machine.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runFolder } from './session.mjs';
import { cacheFolder } from './workshop.mjs';

/** What `--kernel debian` means: a later one than User-Mode Linux's 6.1. */
export const DEFAULT_SERIES = '6.12';

/**
 * @typedef {object} PackagedKernel
 * @property {string} release as `uname -r` says it: `6.12.117+deb12-amd64`
 * @property {string} folder the unpacked package, with `boot` and `lib/modules`
 */

/**
 * @param {string} wanted a series (`6.12`: the newest one here, else the newest there is), or a
 * release
 * @returns {PackagedKernel} fetched if need be
 * @throws with the cure when there is no such kernel
 */
export function packagedKernel(wanted) {
  const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  if (architecture !== 'amd64') throw new Error('kernels are emulated on amd64 machines only');
  const release = newest(wanted, readdirSync(kernelsFolder())) ?? published(wanted);
  const folder = join(kernelsFolder(), release);
  if (existsSync(folder) && !isWhole(folder)) {
    process.stderr.write(`lab: ${folder} is damaged; fetching it again\n`);
    rmSync(folder, { recursive: true });
  }
  if (!existsSync(folder)) fetchKernel(release, folder);
  return { release, folder };
}

function kernelsFolder() {
  const folder = join(dirname(cacheFolder()), 'kernels');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * @param {string} wanted
 * @returns the newest release that the archive has of it
 */
function published(wanted) {
  const found = newest(wanted, publishedReleases());
  if (found !== undefined) return found;
  execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 2, 2] });
  const now = publishedReleases();
  const release = newest(wanted, now);
  if (release === undefined) {
    const others = now.sort(byVersion).join(' ') || 'none';
    throw new Error(`this Debian has no kernel ${wanted}; its kernels: ${others}`);
  }
  return release;
}

function publishedReleases() {
  const names = execFileSync('apt-cache', ['pkgnames', 'linux-image-'], { encoding: 'utf8' });
  return names.split('\n').flatMap((name) => releasePattern.exec(name)?.[1] ?? []);
}

/** Neither the flavours `cloud` and `rt`, nor what is unsigned, nor debugging symbols. */
const releasePattern = /^linux-image-(\d+\.\d+[\d.+a-z]*(?:-\d+)?-amd64)$/;

/**
 * @param {string} wanted series or release
 * @param {readonly string[]} releases
 */
export function newest(wanted, releases) {
  const isSeries = /^\d+\.\d+$/.test(wanted);
  return releases
    .filter((each) => (isSeries ? /^\d+\.\d+(?=[.-])/.exec(each)?.[0] === wanted : each === wanted))
    .sort(byVersion)
    .at(-1);
}

/**
 * @param {string} a
 * @param {string} b
 */
const byVersion = (a, b) => a.localeCompare(b, 'en', { numeric: true });

/**
 * @param {string} release
 * @param {string} folder
 */
function fetchKernel(release, folder) {
  process.stderr.write(`lab: fetching Debian's kernel ${release} (about 100 MB)\n`);
  const { folder: part, remove } = runFolder();
  /** @param {readonly string[]} argv */
  const step = ([program = '', ...rest]) =>
    execFileSync(program, rest, { cwd: part, stdio: ['ignore', 2, 2] });
  try {
    step(['apt-get', 'download', '-qq', '-o', 'APT::Sandbox::User=root', `linux-image-${release}`]);
    const [archive = ''] = readdirSync(part);
    step(['dpkg-deb', '--extract', archive, 'tree']);
    rmSync(join(part, archive));
    step(['depmod', '-b', 'tree', release]);
    step(['sh', '-c', `cd tree && find . -type f | sort | xargs sha256sum > ../sums`]);
    renameSync(join(part, 'sums'), join(part, 'tree', SUMS));
    renameSync(join(part, 'tree'), folder);
  } catch (error) {
    // Another lab was faster.
    if (!existsSync(folder)) throw error;
  } finally {
    remove();
  }
}

const SUMS = 'sums.sha256';

/** @param {string} folder */
function isWhole(folder) {
  const argv = ['--check', '--strict', '--quiet', SUMS];
  return spawnSync('sha256sum', argv, { cwd: folder, stdio: 'ignore' }).status === 0;
}
