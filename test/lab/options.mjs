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
  --kernel KIND   uml, host, or debian[-VERSION] instead of choosing; $KUBE_IPVS_LAB_KERNEL is its default. debian is a
                  packaged Debian kernel, emulated: debian-6.1, debian-6.12.100+deb12-amd64
  --memory SIZE   of the lab kernel (default 3G)
  --cpu N         of this machine that the lab kernel runs on (User-Mode Linux; default the last one)
  --quiet         do not say which kernel was chosen
`;

/** @import { LabKernel } from './choose.mjs' */

/**
 * @typedef {object} KernelWish
 * @property {LabKernel} kind
 * @property {string} [version] of a Debian kernel: a series or a release
 */

export class UsageError extends Error {}

/**
 * @typedef {object} LabCommandLine
 * @property {boolean} help
 * @property {number} timeoutSec 0: none
 * @property {string[]} env each `K=V`
 * @property {string} [netns]
 * @property {boolean} [line]
 * @property {boolean} tty
 * @property {KernelWish} [kernel]
 * @property {string} memory
 * @property {number} [cpu] of the machine, counted from 0
 * @property {boolean} quiet
 * @property {string[]} command
 */

/**
 * @param {readonly string[]} argv the arguments after the script's name
 * @param {NodeJS.ProcessEnv} env
 * @returns {LabCommandLine}
 */
export function parseOptions(argv, env = {}) {
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
    '--timeout': () => {
      options.timeoutSec = wholeNumber('--timeout', value('--timeout'), 'number of seconds');
    },
    '--env': () => options.env.push(assignment(value('--env'))),
    '--netns': () => (options.netns = value('--netns')),
    '--kernel': () => (options.kernel = kernelWish('--kernel', value('--kernel'))),
    '--memory': () => (options.memory = value('--memory')),
    '--cpu': () => (options.cpu = wholeNumber('--cpu', value('--cpu'), 'CPU number')),
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
  const wished = env['KUBE_IPVS_LAB_KERNEL'];
  if (wished) options.kernel ??= kernelWish('KUBE_IPVS_LAB_KERNEL', wished);
  options.command = rest;
  if (rest.length === 0) options.tty = true;
  const { timeoutSec = rest.length === 0 ? 0 : 1800 } = options;
  return { ...options, timeoutSec };
}

/**
 * @param {string} name of the option
 * @param {string} text
 * @param {string} what it has to be
 */
function wholeNumber(name, text, what) {
  if (!/^\d+$/.test(text)) throw new UsageError(`${name}: "${text}" is not a ${what}`);
  return Number(text);
}

/** @param {string} text */
function assignment(text) {
  if (!/^[A-Za-z_]\w*=/.test(text)) throw new UsageError(`--env: "${text}" is not NAME=VALUE`);
  return text;
}

/**
 * @param {string} name of the option, or of the variable
 * @param {string} text
 * @returns {KernelWish}
 */
function kernelWish(name, text) {
  if (text === 'uml' || text === 'host') return { kind: text };
  const [, version] = /^debian(?:-(\d.*))?$/.exec(text) ?? [undefined, null];
  if (version === null) {
    throw new UsageError(`${name}: "${text}" is none of uml, host, debian, debian-VERSION`);
  }
  return version === undefined ? { kind: 'debian' } : { kind: 'debian', version };
}
