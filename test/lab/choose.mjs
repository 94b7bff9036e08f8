// Which kernel the lab uses: the machine's own when it has IPVS (faster, and the real thing), else
// User-Mode Linux. A packaged Debian kernel is emulated only when asked for: what it is needed for
// is said there (debian.mjs).

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** @typedef {'host' | 'uml' | 'debian'} LabKernel */

/**
 * Loads ip_vs on the host as a side effect where that is possible.
 *
 * @returns {{ kernel: LabKernel, reason: string }}
 */
export function chooseKernel() {
  for (const name of ['ip_vs', 'dummy', 'ip_set', 'xt_set']) {
    spawnSync('modprobe', ['-q', name], { stdio: 'ignore' });
  }
  const lacking = probes.find(({ works }) => !works());
  return lacking
    ? { kernel: 'uml', reason: `User-Mode Linux; this machine's kernel has no ${lacking.name}` }
    : { kernel: 'host', reason: "this machine's kernel has IPVS; fresh network namespaces" };
}

/** @param {readonly string[]} argv */
const inFreshNamespace = (...argv) =>
  spawnSync('unshare', ['--net', ...argv], { stdio: 'ignore' }).status === 0;

const probes = [
  { name: 'ip_vs', works: () => existsSync('/proc/net/ip_vs') },
  {
    name: 'dummy devices',
    works: () => inFreshNamespace('ip', 'link', 'add', 'probe', 'type', 'dummy'),
  },
  { name: 'ipset', works: () => inFreshNamespace('ipset', 'create', 'probe', 'hash:ip,port') },
];
