// A boot of a kernel of the lab's own, whichever emulates it: what init.sh is to do lies as files
// in the run's folder, and output and exit status come out as files there (init.sh writes them,
// this follows them).

import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { commandScript } from './command.mjs';
import { follow, runToEnd, shellStatus } from './session.mjs';
import { cacheFolder } from './workshop.mjs';

/** @import { CommandParts } from './command.mjs' */
/** @import { LabCommandLine } from './options.mjs' */

/**
 * @param {string} folder of the run
 * @param {LabCommandLine} options
 * @param {Omit<CommandParts, 'options'> & { modules: string }} parts `modules`: those to load first
 */
export function writeRun(folder, options, { modules, ...parts }) {
  /**
   * @param {string} name
   * @param {string} text
   */
  const file = (name, text) => writeFileSync(join(folder, name), text);
  file('command.sh', commandScript({ options, ...parts }));
  file('modules', modules);
  file('stdout', '');
  file('stderr', '');
  if (options.tty) file('tty', '');
  const needed = [checkout, cacheFolder(), dirname(process.execPath)];
  const hidden = needed.filter((path) => /^\/(tmp|run|dev\/shm)\//.test(path));
  file('keep', hidden.map((path) => `${path}\n`).join(''));
}

/**
 * @param {readonly string[]} argv that boots it
 * @param {string} folder
 * @param {LabCommandLine} options
 * @param {Readonly<Record<string, string>>} env added to ours
 * @returns the exit status, see run.mjs
 */
export async function bootToEnd(argv, folder, options, env = {}) {
  const streams = options.tty ? [] : /** @type {const} */ (['stdout', 'stderr']);
  const followers = streams.map((name) => follow(join(folder, name), process[name]));
  const log = openSync(join(folder, 'console'), 'w');
  const { ended } = await runToEnd(argv, {
    timeoutSec: options.timeoutSec,
    env: { ...process.env, ...env },
    stdio: options.tty ? 'inherit' : ['ignore', log, log, ...(options.line ? [3, 4] : [])],
    ownGroup: !options.tty,
    // User-Mode Linux has been seen to run on for ever instead of halting.
    isDone: () => existsSync(join(folder, 'status')),
  });
  closeSync(log);
  for (const follower of followers) follower.stop();
  return ended === 'exit' ? commandStatus(folder) : shellStatus(ended, 125);
}

/**
 * The command's status, from the file init.sh leaves; without one the kernel itself failed.
 *
 * @param {string} folder
 */
function commandStatus(folder) {
  const path = join(folder, 'status');
  if (existsSync(path)) return Number(readFileSync(path, 'utf8'));
  const log = join(folder, 'console');
  const lastWords = readFileSync(log, 'utf8').trim().split('\n').slice(-15).join('\n');
  throw new Error(`the lab kernel ended before the command did; its last words:\n${lastWords}`);
}
