// Where buildah keeps what it builds, below the cache folder, and that it does not grow: builds
// come one at a time, whatever process they are of, so what another one has left was broken off.

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { say } from '../machine.mjs';

/** Of folders that a build makes for itself and removes. */
export const CONTEXT_PREFIX = 'context-';

/** Everything of ours; safe to delete while nothing is built. */
export function imageFolder(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const folder = join(base, 'kube-ipvs', 'image');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * For the whole of a build, from the first look into the storage to the last: waits until no other
 * process builds. What is broken off lets go with its process. Images without a name are removed
 * after it, so a build names what the next one is to find in the cache; one that fails leaves what
 * it has.
 */
export function withStorage<T>(work: () => T): T {
  const file = openSync(join(imageFolder(), 'lock'), 'a');
  try {
    if (!isLocked(file, '--nonblock')) {
      say('waiting for another build of an image');
      if (!isLocked(file)) throw new Error('flock cannot lock the storage of images');
    }
    removeLeftovers();
    const result = work();
    buildah(['rmi', '--prune']);
    return result;
  } finally {
    closeSync(file);
  }
}

/** The lock is the open file's, which flock shares with us: it is ours when flock has ended. */
function isLocked(file: number, ...flags: readonly string[]): boolean {
  const stdio = ['ignore', 'inherit', 'inherit', file] as const;
  const { status, error } = spawnSync('flock', [...flags, '3'], { stdio: [...stdio] });
  if (error) throw error;
  return status === 0;
}

/** Containers of builds that were broken off, with all that they wrote, and their sources. */
function removeLeftovers(): void {
  buildah(['rm', '--all']);
  const folder = imageFolder();
  for (const name of readdirSync(folder).filter((each) => each.startsWith(CONTEXT_PREFIX)))
    rmSync(join(folder, name), { recursive: true });
}

let driver: string | undefined;

/**
 * overlay where the file system can, vfs (ten times the space) elsewhere, such as inside a
 * container.
 */
function storage(): readonly string[] {
  const folder = join(imageFolder(), 'storage');
  const place = ['--root', folder, '--runroot', join(folder, 'run')];
  driver ??= ['overlay', 'vfs'].find((name) => {
    try {
      execFileSync('buildah', ['--storage-driver', name, ...place, 'images'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
  if (driver === undefined) throw new Error('buildah can use neither overlay nor vfs storage here');
  return ['--storage-driver', driver, ...place];
}

/** @returns stdout; buildah's progress goes to our stderr. @throws when it fails */
export function buildah(argv: readonly string[]): string {
  return execFileSync('buildah', [...storage(), ...argv], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  }).trim();
}
