// The lab's command line: its own options first, then the command, which is passed on untouched.

export const usage = `usage: npm run lab -- [OPTION…] [--] [COMMAND [ARGUMENT…]]

Runs COMMAND on a kernel with IPVS, in fresh network namespaces, from this checkout; without COMMAND a shell.
A single word with spaces in it goes through sh -c. stdout and stderr are the command's own, the exit status too.

  --timeout SEC   end it after that long (default 1800; none for a shell); exit status 124
  --env K=V       set a variable inside; CI, UPDATE_* and KUBE_IPVS_* are passed on anyway
  --netns NAME    join the lab to the network namespace NAME of this machine (made and removed if it is not there):
                  198.18.0.1 there, 198.18.0.2 on vec0 in the lab
  --line          for test/support/lab/lab.ts: descriptors 3 (in) and 4 (out) lead to the command
  --tty           run COMMAND on the terminal (top, editors)
  --kernel KIND   uml or host instead of choosing
  --memory SIZE   of the lab kernel (default 3G)
  --quiet         do not say which kernel was chosen
`;

/** @import { LabKernel } from './choose.mjs' */

/** @type {readonly LabKernel[]} */
const KERNELS = ['uml', 'host'];

export class UsageError extends Error {}

/**
 * @typedef {object} LabCommandLine
 * @property {boolean} help
 * @property {number} timeoutSec 0: none
 * @property {string[]} env each `K=V`
 * @property {string} [netns]
 * @property {boolean} [line]
 * @property {boolean} tty
 * @property {LabKernel} [kernel]
 * @property {string} memory
 * @property {boolean} quiet
 * @property {string[]} command
 */

/**
 * @param {readonly string[]} argv the arguments after the script's name
 * @returns {LabCommandLine}
 */
export function parseOptions(argv) {
  /** @type {Partial<LabCommandLine> & Omit<LabCommandLine, 'timeoutSec'>} */
  const options = { env: [], memory: '3G', command: [], tty: false, quiet: false, help: false };
  const rest = [...argv];
  /** @param {string} name */
  const value = (name) => {
    const found = rest.shift();
    if (found === undefined) throw new UsageError(`${name} needs a value`);
    return found;
  };
  /** @type {Readonly<Record<string, () => void>>} */
  const take = {
    '--timeout': () => (options.timeoutSec = seconds(value('--timeout'))),
    '--env': () => options.env.push(assignment(value('--env'))),
    '--netns': () => (options.netns = value('--netns')),
    '--kernel': () => (options.kernel = oneOf('--kernel', value('--kernel'), KERNELS)),
    '--memory': () => (options.memory = value('--memory')),
    '--line': () => (options.line = true),
    '--tty': () => (options.tty = true),
    '--quiet': () => (options.quiet = true),
    '--help': () => (options.help = true),
  };
  while (rest[0]?.startsWith('-')) {
    const name = /** @type {string} */ (rest.shift());
    if (name === '--') break;
    const action = take[name];
    if (!action) throw new UsageError(`unknown option ${name}`);
    action();
  }
  options.command = rest;
  if (rest.length === 0) options.tty = true;
  const { timeoutSec = rest.length === 0 ? 0 : 1800 } = options;
  return { ...options, timeoutSec };
}

/** @param {string} text */
function seconds(text) {
  if (!/^\d+$/.test(text)) throw new UsageError(`--timeout: "${text}" is not a number of seconds`);
  return Number(text);
}

/** @param {string} text */
function assignment(text) {
  if (!/^[A-Za-z_]\w*=/.test(text)) throw new UsageError(`--env: "${text}" is not NAME=VALUE`);
  return text;
}

/**
 * @template {string} T
 * @param {string} name
 * @param {string} text
 * @param {readonly T[]} allowed
 */
function oneOf(name, text, allowed) {
  const found = allowed.find((word) => word === text);
  if (found === undefined) throw new UsageError(`${name}: "${text}" is none of ${allowed.join()}`);
  return found;
}
