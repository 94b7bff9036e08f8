// The lab on the machine's own kernel: fresh network, mount and process namespaces, so that
// everything the command makes is gone when it ends.

import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { commandScript, quoted } from './command.mjs';
import { machineAddress } from './joint.mjs';
import { endingTogether, runFolder, runToEnd, shellStatus } from './session.mjs';
import { xtablesFolder } from './workshop.mjs';

/** @import { LabCommandLine } from './options.mjs' */

/**
 * @param {LabCommandLine} options
 * @returns the exit status, see run.mjs
 */
export async function runOnHost(options) {
  const run = runFolder();
  try {
    const script = join(run.folder, 'command.sh');
    const pathFirst = nftablesWork() ? [] : [xtablesFolder('legacy')];
    writeFileSync(script, commandScript({ options, pathFirst, kernel: 'host' }));
    const { status, ended } = await runToEnd(
      [...endingTogether, 'unshare', '--net', 'sh', '-c', setUp(script, options)],
      {
        timeoutSec: options.timeoutSec,
        env: process.env,
        stdio: options.tty ? 'inherit' : ['ignore', 1, 2, ...(options.line ? [3, 4] : [])],
        ownGroup: !options.tty,
      },
    );
    return shellStatus(ended, status ?? 125);
  } finally {
    run.remove();
  }
}

/**
 * @param {string} script
 * @param {LabCommandLine} options
 */
function setUp(script, { netns }) {
  // /sys again, because the one of the machine shows the machine's network devices.
  const steps = [
    'mount -t sysfs sysfs /sys',
    'mkdir -p /run/netns',
    ...(netns ? [wire(netns)] : []),
    'mount -t tmpfs tmpfs /run/netns',
    'ip link set lo up',
    `exec sh ${quoted(script)}`,
  ];
  return `set -e\n${steps.join('\n')}\n`;
}

/**
 * A veth pair in the place of the tap device; its end in the machine's namespace goes with this
 * end.
 *
 * @param {string} netns
 */
function wire(netns) {
  return [
    `ip link add vec0 type veth peer name labwire0`,
    `ip link set labwire0 netns ${quoted(netns)}`,
    `ip -n ${quoted(netns)} address add ${machineAddress}/30 dev labwire0`,
    `ip -n ${quoted(netns)} link set labwire0 up`,
    'ip link set vec0 up',
    'ip address add 198.18.0.2/30 dev vec0',
  ].join('\n');
}

function nftablesWork() {
  const probe = ['--net', 'iptables-nft', '-t', 'nat', '-N', 'PROBE'];
  return spawnSync('unshare', probe, { stdio: 'ignore' }).status === 0;
}
