/**
 * The iptables of this node: which programs are installed, how old they are, and what they hold.
 */
import { FAMILIES, type Family } from '../net/family.ts';
import type { Runner } from './exec.ts';
import { type IptablesVariant, isInPath, PROGRAM } from './iptablesPrograms.ts';
import { type Look, type Survey, survey } from './iptablesSurvey.ts';

export interface IptablesTools {
  /** `1.8.9` */
  readonly version: string;
  /** `MASQUERADE --random-fully`, and waiting for the lock in iptables-restore: since 1.6.2 */
  readonly hasRandomFully: boolean;
  /** whose program is installed */
  readonly families: readonly Family[];
  /**
   * which are installed, in the order in which they are tried; `plain` where the programs have no
   * variant in their name
   */
  readonly variants: readonly IptablesVariant[];
  /**
   * what was found on the way, good for one read; undefined when there was nothing to be read, or
   * after that
   */
  readonly surveyed: Survey | undefined;
}

/**
 * Looks for the programs, and for their rules on the way: what iptables-save prints names its
 * version, which saves a process.
 *
 * @throws ExecError when there is no iptables at all
 */
export async function findTools(look: Look): Promise<IptablesTools> {
  const { run, isInstalled = isInPath } = look;
  const hasIpv6 = await isInstalled(PROGRAM.IPv6);
  const families = FAMILIES.filter((family) => family === 'IPv4' || hasIpv6);
  const named = await Promise.all([isInstalled('iptables-nft'), isInstalled('iptables-legacy')]);
  const found = (['nft', 'legacy'] as const).filter((_, i) => named[i]);
  const variants = found.length === 0 ? (['plain'] as const) : found;
  // Rules that cannot be read now may be readable later: that is for whoever reads them.
  const surveyed = await survey(look, { families, variants }).catch(() => undefined);
  const version = surveyed?.version ?? (await askVersion(run));
  const hasRandomFully = isAtLeast(version, [1, 6, 2]);
  return { version, hasRandomFully, families, variants, surveyed };
}

async function askVersion(run: Runner): Promise<string> {
  const { stdout } = await run(['iptables', '--version']);
  const version = /v(\d+(?:\.\d+)+)/.exec(stdout)?.[1];
  if (version === undefined)
    throw new Error(`iptables --version is not understood: ${stdout.trim()}`);
  return version;
}

function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const at = least.findIndex((part, i) => (parts[i] ?? 0) !== part);
  return at < 0 || (parts[at] ?? 0) > least[at]!;
}
