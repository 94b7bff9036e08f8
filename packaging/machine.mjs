// What the tools of this checkout ask of the machine they run on: where the checkout is, which
// programs there are, and commands that must succeed. Plain JavaScript for Node 20: some of them
// run before node_modules is there.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the checkout these tools belong to. */
export const checkout = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @param {string} name
 * @returns absolute path of a program, looked for in PATH and in the folders of system programs;
 * undefined without one
 */
export function findProgram(name) {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** @param {string} text */
export const say = (text) => process.stdout.write(`== ${text}\n`);

/**
 * @param {readonly string[]} argv
 * @param {Readonly<Record<string, string>>} env added to ours
 * @param {'inherit' | 'ignore'} stdout 'ignore' for a command that talks too much
 * @throws when it fails
 */
export function must(argv, env = {}, stdout = 'inherit') {
  const { status, signal, error } = spawnSync(/** @type {string} */ (argv[0]), argv.slice(1), {
    cwd: checkout,
    stdio: ['ignore', stdout, 'inherit'],
    env: { ...process.env, ...env },
  });
  if (status !== 0)
    throw new Error(`${argv.join(' ')}: ${error?.message ?? signal ?? `status ${status}`}`);
}
