// The joint between the lab and the machine: a network namespace of the machine in which a native
// process (an API server) is reached from the lab. 198.18.0.1 is there, 198.18.0.2 is vec0 in the
// lab (198.18.0.0/15 is the range for benchmarks, RFC 2544). With a kernel of the lab's own the
// wire is a tap device; on the host's host.mjs lays a veth pair.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/** @import { LabKernel } from './choose.mjs' */

export const tapName = 'labtap0';
export const machineAddress = '198.18.0.1';

/** @param {readonly string[]} argv */
const ip = (...argv) => execFileSync('ip', argv, { stdio: ['ignore', 'ignore', 2] });

/**
 * Makes the namespace and, for a kernel of the lab's own, its tap device, where they are missing.
 *
 * @param {string} name
 * @param {LabKernel} kernel
 * @returns undoes what was made here, and only that
 */
export function joinNamespace(name, kernel) {
  /** @type {(() => void)[]} */
  const undo = [];
  if (!existsSync(`/run/netns/${name}`)) {
    ip('netns', 'add', name);
    undo.push(() => ip('netns', 'delete', name));
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  if (kernel !== 'host' && !hasLink(name, tapName)) {
    ip('-n', name, 'tuntap', 'add', tapName, 'mode', 'tap');
    undo.unshift(() => ip('-n', name, 'link', 'delete', tapName));
    ip('-n', name, 'address', 'add', `${machineAddress}/30`, 'dev', tapName);
    ip('-n', name, 'link', 'set', tapName, 'up');
  }
  return () => undo.forEach((step) => step());
}

/**
 * Lays a veth pair between this machine's own namespace and the joint one, so that a test reaches
 * what runs in there.
 *
 * @param {string} name
 * @returns `{ address, remove }`: the address over there, from the first of 198.18.N.0/30 that is
 * free here
 */
export function uplinkTo(name) {
  const taken = new Set(
    Object.values(networkInterfaces()).flatMap((of) => of?.map((a) => a.address)),
  );
  const third = Array.from({ length: 250 }, (_, i) => i + 1).find(
    (n) => !taken.has(`198.18.${n}.1`),
  );
  const here = `labup${third}`;
  ip('link', 'add', here, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', name);
  ip('address', 'add', `198.18.${third}.1/30`, 'dev', here);
  ip('link', 'set', here, 'up');
  ip('-n', name, 'address', 'add', `198.18.${third}.2/30`, 'dev', 'uplink');
  ip('-n', name, 'link', 'set', 'uplink', 'up');
  return { address: `198.18.${third}.2`, remove: () => ip('link', 'delete', here) };
}

/**
 * @param {string} namespace
 * @param {string} link
 */
function hasLink(namespace, link) {
  try {
    execFileSync('ip', ['-n', namespace, 'link', 'show', link], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
