/**
 * Which iptables to use. A node has the legacy and the nft variant, rules of one are invisible to the other, and everybody on
 * the node must use the same: kubelet and an earlier kube-proxy leave chains that tell which (as in iptables-wrappers). Without
 * such traces a variant has to prove that it can write, for on a kernel without nft support iptables-nft reads without an error.
 */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { FAMILIES, type Family } from '../net/family.ts';
import type { Runner } from './exec.ts';

export type IptablesVariant = 'legacy' | 'nft' | 'plain';

export interface IptablesTools {
  /** `1.8.9` */
  readonly version: string;
  /** `MASQUERADE --random-fully`, and waiting for the lock in iptables-restore: since 1.6.2 */
  readonly hasRandomFully: boolean;
  /** whose program is installed */
  readonly families: readonly Family[];
  /** which are installed, in the order in which they are tried; `plain` where the programs have no variant in their name */
  readonly variants: readonly IptablesVariant[];
}

const PROGRAM: Readonly<Record<Family, string>> = { IPv4: 'iptables', IPv6: 'ip6tables' };

/** @returns `ip6tables-nft-save`; the plain name where the system has but one variant */
export function programName(
  family: Family,
  variant: IptablesVariant,
  tool: '' | '-save' | '-restore' = '',
): string {
  return `${PROGRAM[family]}${variant === 'plain' ? '' : `-${variant}`}${tool}`;
}

/** Whether a program can be run at all, without running it: processes are what start-up time is made of. */
export type IsInstalled = (program: string) => Promise<boolean>;

export const isInPath: IsInstalled = async (program) => {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const checks = folders.map((folder) => access(path.join(folder, program), constants.X_OK));
  return (await Promise.allSettled(checks)).some(({ status }) => status === 'fulfilled');
};

/** @throws ExecError when there is no iptables at all */
export async function findTools(
  run: Runner,
  isInstalled: IsInstalled = isInPath,
): Promise<IptablesTools> {
  const { stdout } = await run(['iptables', '--version']);
  const version = /v(\d+(?:\.\d+)+)/.exec(stdout)?.[1];
  if (version === undefined)
    throw new Error(`iptables --version is not understood: ${stdout.trim()}`);
  const hasIpv6 = await isInstalled(PROGRAM.IPv6);
  const families = FAMILIES.filter((family) => family === 'IPv4' || hasIpv6);
  const named = await Promise.all([isInstalled('iptables-nft'), isInstalled('iptables-legacy')]);
  const variants = (['nft', 'legacy'] as const).filter((_, i) => named[i]);
  return {
    version,
    hasRandomFully: isAtLeast(version, [1, 6, 2]),
    families,
    variants: variants.length === 0 ? ['plain'] : variants,
  };
}

function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const at = least.findIndex((part, i) => (parts[i] ?? 0) !== part);
  return at < 0 || (parts[at] ?? 0) > least[at]!;
}

/** Chains that only a Kubernetes agent of this node makes; the first two are kubelet's and are made for this purpose. */
const TRACE = /^:(?:KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY|KUBE-POSTROUTING|KUBE-SERVICES) /m;

/** What iptables-save printed, by family. */
export type Saved = ReadonlyMap<Family, string>;

export interface Survey {
  /**
   * the variant in which kubelet, kube-proxy or an earlier run of ours has left chains; undefined when there are no traces: then
   * nothing of ours is in any variant
   */
  readonly traced: { readonly variant: IptablesVariant; readonly saved: Saved } | undefined;
  /** that this kernel can at least read, in the order in which they are to be tried */
  readonly readable: readonly IptablesVariant[];
}

/** Looks for traces in every variant; writes nothing. @throws ExecError when none can be read */
export async function survey(run: Runner, tools: IptablesTools): Promise<Survey> {
  const { families, variants } = tools;
  const attempts = await Promise.allSettled(
    variants.map(async (variant) => ({ variant, saved: await saveAll(run, variant, families) })),
  );
  const found = attempts.filter((attempt) => attempt.status === 'fulfilled');
  if (found.length === 0) throw (attempts[0] as PromiseRejectedResult).reason;
  const readable = found.map(({ value }) => value);
  return {
    traced: readable.find(({ saved }) => [...saved.values()].some((text) => TRACE.test(text))),
    readable: readable.map(({ variant }) => variant),
  };
}

/** Without a table's name: naming one would make the kernel create it. @throws ExecError */
export async function saveAll(
  run: Runner,
  variant: IptablesVariant,
  families: readonly Family[],
): Promise<Saved> {
  const texts = families.map(async (family) => {
    const { stdout } = await run([programName(family, variant, '-save')]);
    return [family, stdout] as const;
  });
  return new Map(await Promise.all(texts));
}

const PROBE_CHAIN = 'KUBE-IPVS-PROBE';

/**
 * The first variant in which a chain can be made, found again, and removed. A single one is not tried: its errors will tell.
 *
 * @param candidates not empty
 * @throws Error that says for each variant why not
 */
export async function writableVariant(
  run: Runner,
  candidates: readonly IptablesVariant[],
): Promise<IptablesVariant> {
  if (candidates.length === 1) return candidates[0]!;
  const reasons: string[] = [];
  for (const variant of candidates) {
    const reason = await probe(run, variant);
    if (reason === undefined) return variant;
    reasons.push(reason);
  }
  throw new Error(`no usable iptables on this node: ${reasons.join('; ')}`);
}

/** @returns why it does not work */
async function probe(run: Runner, variant: IptablesVariant): Promise<string | undefined> {
  const program = programName('IPv4', variant);
  const restore = [programName('IPv4', variant, '-restore'), '--noflush'] as const;
  try {
    await run(restore, { stdin: `*nat\n:${PROBE_CHAIN} - [0:0]\nCOMMIT\n` });
    const { stdout } = await run([programName('IPv4', variant, '-save'), '-t', 'nat']);
    await run(restore, { stdin: `*nat\n-X ${PROBE_CHAIN}\nCOMMIT\n` });
    return stdout.includes(`:${PROBE_CHAIN} `) ? undefined : `${program} forgets what it is told`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
