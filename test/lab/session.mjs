// One process of the lab and its end: a folder for the run, a time limit, signals, and nothing left
// behind. Shared by both kernels.

import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './workshop.mjs';

/**
 * A new folder for one run; `remove` deletes it. What runs that were killed left behind goes too.
 */
export function runFolder() {
  for (const name of readdirSync(cacheFolder())) {
    const owner = /^run-(\d+)-/.exec(name)?.[1];
    if (owner && !existsSync(`/proc/${owner}`)) {
      rmSync(join(cacheFolder(), name), { recursive: true, force: true });
    }
  }
  const folder = mkdtempSync(join(cacheFolder(), `run-${process.pid}-`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Goes before a command so that all it starts ends with it, and it with this process even when that
 * is killed: the process namespace ends with its first process, that one with unshare, and unshare
 * with its parent.
 */
export const endingTogether =
  'setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc --mount'.split(' ');

/**
 * Runs the process as a group of its own and waits. The whole group is killed at the end, after
 * `timeoutSec`, and on SIGINT, SIGTERM and SIGHUP.
 *
 * @typedef {object} RunOptions
 * @property {number} timeoutSec 0: none
 * @property {NodeJS.ProcessEnv} env
 * @property {import('node:child_process').StdioOptions} stdio
 * @property {boolean} ownGroup false for a terminal session: the terminal then delivers Ctrl-C to
 * the command itself
 * @property {() => boolean} [isDone] the work is: what does not end by itself then is killed, and
 * has ended all the same
 * @property {number} [lingerMs] to end by itself, default 20 s
 *
 * @typedef {'exit' | 'timeout' | NodeJS.Signals} Ended
 *
 * @param {readonly string[]} argv
 * @param {RunOptions} options
 * @returns {Promise<{ status: number | null, ended: Ended }>}
 */
export function runToEnd(argv, options) {
  const { timeoutSec, env, stdio, ownGroup, isDone, lingerMs = 20_000 } = options;
  return new Promise((resolve, reject) => {
    const [program = '', ...rest] = argv;
    const child = spawn(program, rest, { env, stdio, detached: ownGroup });
    /** @type {Ended} */
    let ended = 'exit';
    /** @param {Ended} reason */
    const stop = (reason) => {
      ended = reason;
      killAll();
    };
    const killAll = () => {
      try {
        if (ownGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
      }
    };
    const timer = timeoutSec > 0 ? setTimeout(stop, timeoutSec * 1000, 'timeout') : undefined;
    const stopWaiting = isDone ? onceDone(isDone, lingerMs, killAll) : () => {};
    /** @type {readonly NodeJS.Signals[]} */
    const signals = ownGroup ? ['SIGINT', 'SIGTERM', 'SIGHUP'] : ['SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, stop);
    child.on('error', reject);
    child.on('exit', (status) => {
      clearTimeout(timer);
      stopWaiting();
      for (const signal of signals) process.off(signal, stop);
      killAll(); // what the process left in its group
      resolve({ status, ended });
    });
  });
}

/**
 * @param {() => boolean} isDone asked once a second
 * @param {number} delayMs from then on
 * @param {() => void} act
 * @returns takes it back
 */
function onceDone(isDone, delayMs, act) {
  /** @type {NodeJS.Timeout | undefined} */
  let delay;
  const watch = setInterval(() => {
    if (!isDone()) return;
    clearInterval(watch);
    delay = setTimeout(act, delayMs);
  }, 1000);
  return () => {
    clearInterval(watch);
    clearTimeout(delay);
  };
}

/** @type {Readonly<Partial<Record<Ended, number>>>} */
const statusAfter = { timeout: 124, SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * Exit status as a shell would give it.
 *
 * @param {Ended} ended
 * @param {number} status
 */
export function shellStatus(ended, status) {
  return statusAfter[ended] ?? status;
}

/**
 * Copies what is appended to a file to one of our descriptors, until `stop` has copied the rest.
 *
 * @param {string} path
 * @param {NodeJS.WritableStream} descriptor
 */
export function follow(path, descriptor, intervalMs = 25) {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(1 << 16);
  const copy = () => {
    for (let n = 0; (n = readSync(file, buffer, 0, buffer.length, null)) > 0;) {
      descriptor.write(Buffer.from(buffer.subarray(0, n)));
    }
  };
  const timer = setInterval(copy, intervalMs);
  return {
    stop() {
      clearInterval(timer);
      copy();
      closeSync(file);
    },
  };
}
