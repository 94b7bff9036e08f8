// The shell script that runs inside the lab, the same for both kernels: environment, working
// directory, command.

import { dirname, join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';

/** @import { LabKernel } from './choose.mjs' */
/** @import { LabCommandLine } from './options.mjs' */

const passedOn =
  /^(CI|TERM|COLORTERM|LANG|LC_ALL|FORCE_COLOR|NO_COLOR|HOME|XDG_CACHE_HOME|KUBEBUILDER_ASSETS|NODE_OPTIONS|UPDATE_\w+|KUBE_IPVS_\w+)$/;

/**
 * One argument for sh.
 *
 * @param {string} text
 */
export const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * @typedef {object} CommandParts
 * @property {Pick<LabCommandLine, 'env' | 'command'>} options as parsed
 * @property {readonly string[]} pathFirst folders to put before everything else in PATH
 * @property {LabKernel} kernel told the command as KUBE_IPVS_LAB
 *
 * @param {CommandParts} parts
 * @returns text for sh; its last act is to become the command
 */
export function commandScript({ options, pathFirst, kernel }) {
  const path = [
    ...pathFirst,
    join(checkout, 'node_modules', '.bin'),
    dirname(process.execPath),
    ...'/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'.split(':'),
  ];
  const given = options.env.map((text) => [
    text.slice(0, text.indexOf('=')),
    text.slice(text.indexOf('=') + 1),
  ]);
  const inherited = Object.entries(process.env).filter(([name]) => passedOn.test(name));
  const variables = [...inherited, ['PATH', path.join(':')], ['KUBE_IPVS_LAB', kernel], ...given];
  return [
    'unset LAB_RUN LAB_TAP LAB_LINE LAB_LINES LAB_INIT LAB_MODULES LAB_TERMINAL',
    ...variables.map(([name, value]) => `export ${name}=${quoted(value ?? '')}`),
    `cd ${quoted(checkout)}`,
    `exec ${words(options.command).map(quoted).join(' ')}`,
    '',
  ].join('\n');
}

/** @param {readonly string[]} command */
function words(command) {
  if (command.length === 0) return ['bash', '-i'];
  const [only = '', ...more] = command;
  if (more.length === 0 && /\s/.test(only)) return ['sh', '-c', only];
  return command;
}
