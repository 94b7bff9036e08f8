#!/usr/bin/env node
// `npm run lab`: runs a command on a kernel that has IPVS. Decides between the machine's own kernel
// and User-Mode Linux, or takes what is asked for, and says which; how each is started is in
// host.mjs, uml.mjs and debian.mjs. Plain JavaScript for Node 20, because it also runs before `npm
// ci`.

import { chooseKernel } from './choose.mjs';
import { runInDebian } from './debian.mjs';
import { runOnHost } from './host.mjs';
import { joinNamespace } from './joint.mjs';
import { parseOptions, usage, UsageError } from './options.mjs';
import { runInUml } from './uml.mjs';
import { missingPackages } from './workshop.mjs';

const runIn = { uml: runInUml, host: runOnHost, debian: runInDebian };

/**
 * @param {readonly string[]} argv
 * @returns the exit status for the shell: the command's own, 124 after a time-out, 125 when the lab
 * itself failed
 */
async function main(argv) {
  const options = parseOptions(argv, process.env);
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (process.getuid?.() !== 0) throw new Error('the lab needs root: run it with sudo');
  const { kernel, reason } = options.kernel
    ? { kernel: options.kernel.kind, reason: 'as asked' }
    : chooseKernel();
  if (!options.quiet) process.stderr.write(`lab: ${kernel} (${reason})\n`);
  const missing = missingPackages(kernel);
  if (missing.length > 0) throw new Error(`missing; run: apt-get install -y ${missing.join(' ')}`);

  const leave = options.netns ? joinNamespace(options.netns, kernel) : () => {};
  try {
    return await runIn[kernel](options);
  } finally {
    leave();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stderr.write(`lab: ${message}\n${error instanceof UsageError ? usage : ''}`);
  process.exitCode = error instanceof UsageError ? 2 : 125;
}
