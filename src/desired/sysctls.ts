/**
 * The kernel switches that IPVS as a Service proxy needs. Only wanted values: reading and writing
 * is the kernel layer's.
 */
import type { DataplaneOptions } from '../dataplane/options.ts';

/**
 * @param kernelVersion as `uname -r` begins: `6.1.0-18-amd64`
 * @returns path below /proc/sys → value; all of them serve both families
 * @see kubernetes pkg/proxy/ipvs/proxier.go, NewProxier
 */
export function desiredSysctls(
  options: Pick<DataplaneOptions, 'strictArp'>,
  kernelVersion: string,
): ReadonlyMap<string, string> {
  const sysctls = new Map([
    // IPVS connections get a conntrack entry, without which no packet of theirs can be masqueraded
    ['net/ipv4/vs/conntrack', '1'],
    // a flow to a removed destination is dropped at its next packet instead of lingering
    ['net/ipv4/vs/expire_nodest_conn', '1'],
    // session affinity lets go of a draining destination (kubernetes issue 71809)
    ['net/ipv4/vs/expire_quiescent_template', '1'],
    ['net/ipv4/ip_forward', '1'],
  ]);
  if (wantsNoReuse(kernelVersion)) sysctls.set('net/ipv4/vs/conn_reuse_mode', '0');
  if (options.strictArp) {
    sysctls.set('net/ipv4/conf/all/arp_ignore', '1');
    sysctls.set('net/ipv4/conf/all/arp_announce', '2');
  }
  return sysctls;
}

/**
 * From 4.1 (where the switch appeared) up to 5.9 the default drops the first SYN of a re-used
 * client port, one second a time (kubernetes issues 70747 and 93297; cured by kernel commit
 * 35dfb013149f). A version that cannot be read counts as new.
 */
function wantsNoReuse(kernelVersion: string): boolean {
  const match = /^(\d+)\.(\d+)/.exec(kernelVersion);
  if (match === null) return false;
  const version = Number(match[1]) * 1000 + Number(match[2]);
  return version >= 4001 && version < 5009;
}
