/**
 * What must be there before anything can be programmed: programs, permission, the IPVS module.
 * Tells apart what an operator has to mend (the process ends with an explanation) and what may come
 * by itself (the loop tries again).
 */
import { writeFile } from 'node:fs/promises';
import type { DataplaneSettings } from '../config/resolve.ts';
import { isNotImplemented, isNotPermitted } from '../kernel/errors.ts';
import { type IptablesTools, findTools } from '../kernel/iptablesBackend.ts';
import type { Look } from '../kernel/iptablesSurvey.ts';
import { IpvsClient } from '../kernel/ipvsClient.ts';
import { missingProgram, run } from '../kernel/exec.ts';
import { isInPath, type IsInstalled } from '../kernel/iptablesPrograms.ts';
import type { Conditions } from '../ops/conditions.ts';
import type { Logger } from '../ops/log.ts';
import { IPVS_TIMEOUTS_NOT_SET } from './conditions.ts';

/** Nothing will come right by trying again. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** This node; tests look at another. */
export interface Environment extends Partial<Look> {
  readonly openIpvs?: () => Pick<IpvsClient, 'version' | 'close'>;
}

/** @throws EnvironmentError that says what is missing and how to get it */
export async function checkEnvironment(
  log: Logger,
  { openIpvs = () => new IpvsClient(), ...look }: Environment = {},
): Promise<IptablesTools> {
  try {
    const [tools] = await Promise.all([
      findTools({ run, ...look }),
      checkIpset(look.isInstalled ?? isInPath),
      checkIpvs(openIpvs(), log),
    ]);
    return tools;
  } catch (error) {
    throw error instanceof EnvironmentError ? error : new EnvironmentError(messageOf(error));
  }
}

/** Without running it: a process at the start for an answer that its first use gives. */
async function checkIpset(isInstalled: IsInstalled): Promise<void> {
  if (!(await isInstalled('ipset'))) throw new EnvironmentError(missingProgram('ipset'));
}

async function checkIpvs(ipvs: Pick<IpvsClient, 'version' | 'close'>, log: Logger): Promise<void> {
  try {
    const { version } = await ipvs.version();
    log.verbose(1, 'kernel IPVS found', { version });
  } catch (error) {
    if (isNotPermitted(error)) {
      throw new EnvironmentError(
        `the kernel refuses access to IPVS (${messageOf(error)}): run as root, or with CAP_NET_ADMIN of the initial user namespace (a privileged container)`,
      );
    }
    if (isNotImplemented(error)) throw error;
    const cure = 'load it with "modprobe ip_vs", or mount /lib/modules into the container';
    log.error(`the kernel has no IPVS yet; ${cure}; trying again`, error);
  } finally {
    ipvs.close();
  }
}

/** kube-proxy's one "set config" call; a failure costs the timeouts, not the start. */
export async function setIpvsTimeouts(
  { tcp, tcpFin, udp }: DataplaneSettings['timeoutsSec'],
  { log, conditions }: { readonly log: Logger; readonly conditions: Pick<Conditions, 'set'> },
  openIpvs: () => Pick<IpvsClient, 'setTimeouts' | 'close'> = () => new IpvsClient(),
): Promise<void> {
  if (tcp === 0 && tcpFin === 0 && udp === 0) return;
  const ipvs = openIpvs();
  try {
    await ipvs.setTimeouts({ tcpSec: tcp, tcpFinSec: tcpFin, udpSec: udp });
  } catch (error) {
    const message = 'IPVS timeouts were not set';
    log.error(message, error);
    conditions.set(IPVS_TIMEOUTS_NOT_SET, 'ip_vs', { message, error, isTold: true });
  } finally {
    ipvs.close();
  }
}

/**
 * @param file another one in tests
 * @see kubernetes cmd/kube-proxy: only logged when it fails, a container may lack the right
 */
export async function setOomScore(
  score: number,
  log: Logger,
  file = '/proc/self/oom_score_adj',
): Promise<void> {
  try {
    await writeFile(file, String(score));
  } catch (error) {
    log.verbose(2, 'oom_score_adj was not set', { err: messageOf(error) });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
