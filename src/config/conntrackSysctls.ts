/**
 * What `conntrack.*` of the configuration asks of the kernel, as numbers. Reading and writing them,
 * and what a refusal means, is agent/conntrackSettings.ts'.
 *
 * @see kubernetes cmd/kube-proxy/app/server_linux.go, setupConntrack
 */
import type { ConntrackSettings } from './resolve.ts';

/**
 * Room for connections, of the whole machine: other network namespaces than the first see it, and
 * cannot set it.
 */
export const CONNTRACK_MAX = 'net/netfilter/nf_conntrack_max';

/** @returns path below /proc/sys → value; only what is asked for, the maximum first */
export function conntrackSysctls(
  settings: ConntrackSettings,
  cpuCount: number,
): ReadonlyMap<string, string> {
  const { maxPerCore, min } = settings;
  const sysctls = new Map<string, string>();
  if (maxPerCore > 0) sysctls.set(CONNTRACK_MAX, String(Math.max(maxPerCore * cpuCount, min)));
  const timeouts = {
    tcp_timeout_established: settings.tcpEstablishedTimeoutMs,
    tcp_timeout_close_wait: settings.tcpCloseWaitTimeoutMs,
    udp_timeout: settings.udpTimeoutMs,
    udp_timeout_stream: settings.udpStreamTimeoutMs,
  };
  for (const [name, timeoutMs] of Object.entries(timeouts)) {
    if (timeoutMs > 0) sysctls.set(`net/netfilter/nf_conntrack_${name}`, wholeSeconds(timeoutMs));
  }
  if (settings.tcpBeLiberal) sysctls.set('net/netfilter/nf_conntrack_tcp_be_liberal', '1');
  return sysctls;
}

/** Buckets for so many connections: four a bucket. @returns undefined when there are enough */
export function missingHashSize(max: number, current: number): number | undefined {
  const wanted = Math.floor(max / 4);
  return current < wanted ? wanted : undefined;
}

/** Rounded up: below one second must not become 0, at which entries would end at once. */
function wholeSeconds(timeoutMs: number): string {
  return String(Math.ceil(timeoutMs / 1000));
}
