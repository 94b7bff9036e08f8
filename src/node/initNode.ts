/**
 * `--init-only`: what takes more than CAP_NET_ADMIN, done once before the proxy starts, so that the
 * proxy itself needs no more (a pod's init container): kernel modules, which CAP_SYS_MODULE loads,
 * and sysctls, which an unprivileged container sees read-only. Ends with an error only when the
 * proxy could not work afterwards.
 */
import { release } from 'node:os';
import type { ResolvedConfig } from '../config/resolve.ts';
import { SERVICE_SETS } from '../desired/ipsets.ts';
import { desiredSysctls } from '../desired/sysctls.ts';
import { ExecError } from '../kernel/errors.ts';
import { type Runner, run } from '../kernel/exec.ts';
import { IpvsClient } from '../kernel/ipvsClient.ts';
import { SysctlClient } from '../kernel/sysctl.ts';
import type { Logger } from '../ops/log.ts';
import { applyConntrackSettings } from './conntrackSettings.ts';
import { bringSysctls, type Sysctls } from './sysctls.ts';

/** What this changes and asks; tests have their own. */
export interface NodeTools {
  readonly run: Runner;
  readonly ipvs: Pick<IpvsClient, 'version' | 'close'>;
  readonly sysctls: Sysctls;
}

/**
 * @returns the exit code: 1 when the kernel has no IPVS, or a sysctl is not what the proxy needs
 */
export async function initNode(
  config: ResolvedConfig,
  log: Logger,
  tools: NodeTools = { run, ipvs: new IpvsClient(), sysctls: new SysctlClient() },
): Promise<number> {
  const { scheduler, strictArp } = config.dataplane;
  await loadModules(modulesFor(scheduler), log, tools.run);
  const isIpvsThere = await hasIpvs(tools.ipvs, log);
  await applyConntrackSettings(config.conntrack, { log, sysctls: tools.sysctls });
  const wanted = desiredSysctls({ strictArp }, release());
  const areSysctlsSet = await setSysctls(tools.sysctls, wanted, log);
  return isIpvsThere && areSysctlsSet ? 0 : 1;
}

/**
 * Those that the dataplane asks for. The kernel loads most by itself as they are named, where it
 * finds a modprobe.
 */
export function modulesFor(scheduler: string): readonly string[] {
  const types = new Set<string>(SERVICE_SETS.map(({ type }) => type));
  const sets = [...types].map((type) => `ip_set_${type.replace(':', '_').replaceAll(',', '')}`);
  const matches = 'set comment mark addrtype conntrack MASQUERADE'.split(' ');
  return [
    'ip_vs',
    `ip_vs_${scheduler}`,
    'nf_conntrack',
    'nf_conntrack_netlink',
    'dummy',
    'ip_set',
    ...sets,
    ...matches.map((name) => `xt_${name}`),
    'ipt_REJECT',
    'ip6t_REJECT',
  ];
}

/**
 * A module that is missing may be built into the kernel: said, and judged by what works afterwards.
 */
export async function loadModules(
  names: readonly string[],
  log: Logger,
  runner: Runner,
): Promise<void> {
  try {
    await runner(['modprobe', '--all', ...names]);
    log.info('kernel modules are loaded', { count: names.length });
  } catch (error) {
    if (!(error instanceof ExecError)) throw error;
    const said = error.stderr.trim().replaceAll(/\s*\n\s*/g, '; ');
    log.warning('some kernel modules were not loaded; that is fine if they are built in', {
      modprobe: said,
    });
  }
}

async function hasIpvs(ipvs: NodeTools['ipvs'], log: Logger): Promise<boolean> {
  try {
    await ipvs.version();
    log.info('the kernel has IPVS');
    return true;
  } catch (error) {
    log.error(
      'the kernel has no IPVS: mount /lib/modules of the node, or install the package that holds ip_vs (such as linux-modules-extra)',
      error,
    );
    return false;
  } finally {
    ipvs.close();
  }
}

/** @returns false when one could not be set */
export async function setSysctls(
  sysctls: Sysctls,
  desired: ReadonlyMap<string, string>,
  log: Logger,
): Promise<boolean> {
  const { set, failed } = await bringSysctls(sysctls, desired);
  for (const { name, value } of set) log.info('sysctl set', { name, value });
  for (const { name, error } of failed) log.error(`sysctl ${name} was not set`, error);
  return failed.length === 0;
}
