// The lab on User-Mode Linux: a real kernel as an ordinary process that sees the host's file tree
// through hostfs.

import { statfsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { bootToEnd, writeRun } from './boot.mjs';
import { tapName } from './joint.mjs';
import { endingTogether, runFolder } from './session.mjs';
import { checkout } from '../../packaging/machine.mjs';
import { cacheFolder, linkModules, xsaveShim, xtablesFolder } from './workshop.mjs';

/** @import { LabCommandLine } from './options.mjs' */

/**
 * Loaded at boot, because autoloading one costs about 0.1 s later and some have no alias to be
 * found by.
 */
const modules = [
  'ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_sh ip_vs_mh',
  'dummy veth bridge br_netfilter nf_conntrack sctp',
  'ip_set ip_set_hash_ip ip_set_hash_ipport ip_set_hash_ipportip ip_set_hash_ipportnet ip_set_hash_net ip_set_bitmap_port',
  'xt_set xt_comment xt_mark xt_MASQUERADE xt_addrtype xt_conntrack xt_ipvs xt_physdev xt_multiport',
  'ipt_REJECT ip6t_REJECT iptable_filter iptable_nat ip6table_filter ip6table_nat',
].join(' ');

/**
 * @param {LabCommandLine} options
 * @returns the exit status, see run.mjs
 */
export async function runInUml(options) {
  linkModules();
  const run = runFolder();
  try {
    const iptables = xtablesFolder('legacy');
    writeRun(run.folder, options, { kernel: 'uml', modules, pathFirst: [iptables] });
    const argv = [...launcher(options), ...kernelLine(run.folder, options)];
    const env = { LD_PRELOAD: xsaveShim(), ...memoryPlace(options.memory) };
    return await bootToEnd(argv, run.folder, options, env);
  } finally {
    run.remove();
  }
}

/**
 * @param {string} folder
 * @param {LabCommandLine} options
 */
function kernelLine(folder, options) {
  return [
    'linux.uml',
    `mem=${options.memory}`,
    'rootfstype=hostfs',
    'rootflags=/',
    'rw',
    // On a terminal the kernel's harmless complaints at boot would come first.
    options.tty ? 'loglevel=1' : 'quiet',
    `init=${join(checkout, 'test', 'lab', 'init.sh')}`,
    `uml_dir=${folder}/`,
    'umid=lab',
    `LAB_RUN=${folder}`,
    'con=null',
    ...(options.line ? ['ssl0=fd:3,fd:4', 'LAB_LINE=/dev/ttyS0'] : []),
    options.tty ? 'con0=fd:0,fd:1' : 'con0=null',
    ...(options.netns
      ? [`vec0:transport=tap,ifname=${tapName},depth=128,gro=1`, 'LAB_TAP=vec0']
      : []),
  ];
}

/**
 * Where it runs: the namespace with the tap device, and one CPU (unpinned the same work takes two
 * to three times longer).
 *
 * @param {LabCommandLine} options
 */
function launcher(options) {
  return [
    ...(options.netns ? ['ip', 'netns', 'exec', options.netns] : []),
    'taskset',
    '-c',
    String(options.cpu ?? cpus().length - 1),
    ...endingTogether,
  ];
}

/**
 * The lab's memory is a sparse file in /dev/shm; where that is too small (containers have 64 MB) in
 * the cache folder.
 *
 * @param {string} memory
 */
function memoryPlace(memory) {
  const wanted = Number.parseFloat(memory) * (memory.endsWith('G') ? 2 ** 30 : 2 ** 20);
  const { bavail, bsize } = statfsSync('/dev/shm');
  return { TMPDIR: bavail * bsize > wanted ? '/dev/shm' : cacheFolder() };
}
