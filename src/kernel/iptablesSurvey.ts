/**
 * Which variant of iptables to use. A node has the legacy and the nft one, rules of one are
 * invisible to the other, and everybody on the node must use the same. Who tells which, as in
 * iptables-wrappers: kubelet by the chains that it makes for this purpose; else the chains of a
 * proxy, which may have been in the wrong one itself; else the variant that holds more rules. In
 * the last case it has to prove that it can write, for on a kernel without nft support iptables-nft
 * reads without an error.
 */
import type { TableName } from '../dataplane/tables.ts';
import type { Family } from '../net/family.ts';
import { ExecError } from './errors.ts';
import type { Runner } from './exec.ts';
import { type IptablesVariant, type IsInstalled, programName } from './iptablesPrograms.ts';
import { incompatibleTables } from './iptablesText.ts';
import { tablesInUse as tablesOfThisNamespace, type TablesInUse } from './tablesInUse.ts';

/** How the node is looked at: in tests another node, or another network namespace. */
export interface Look {
  readonly run: Runner;
  readonly isInstalled?: IsInstalled;
  readonly tablesInUse?: TablesInUse;
}

/**
 * Chains that tell the variant, the surest first: those of kubelet, then those of a proxy, an
 * earlier run of ours included.
 */
const TRACES = [
  /^:KUBE-(?:IPTABLES-HINT|KUBELET-CANARY) /m,
  /^:KUBE-(?:POSTROUTING|SERVICES) /m,
] as const;

/** Sets that no kube-proxy has, so rules over them are those of an earlier run of ours. */
const OURS = / --match-set KUBE-IPVS-(?:DROP|REJECT|INSIDE) /;

/** What iptables-save printed, by family. */
export type Saved = ReadonlyMap<Family, string>;

export interface Survey {
  /**
   * the variant in which kubelet or else a proxy has left chains; undefined when there are no
   * traces: then nothing of ours is in any variant
   */
  readonly traced: { readonly variant: IptablesVariant; readonly saved: Saved } | undefined;
  /** another variant, in which an earlier run of ours left its rules */
  readonly left: IptablesVariant | undefined;
  /**
   * that this kernel can at least read, in the order in which they are to be tried: the one with
   * more rules first
   */
  readonly readable: readonly IptablesVariant[];
  /** tables that iptables-nft cannot print somewhere: what they hold is not in any `saved` */
  readonly unprintable: readonly TableName[];
  /** of the programs, as far as a save has told: `1.8.9` */
  readonly version: string | undefined;
}

export interface Installed {
  readonly families: readonly Family[];
  readonly variants: readonly IptablesVariant[];
}

/** Looks for traces in every variant; writes nothing. @throws ExecError when none can be read */
export async function survey(
  { run, tablesInUse = tablesOfThisNamespace }: Look,
  { families, variants }: Installed,
): Promise<Survey> {
  const attempts = await Promise.allSettled(
    variants.map(async (variant) => {
      const inUse = await tablesInUse(variant);
      if (inUse === undefined) throw absent(variant);
      const saved = await saveAll(
        run,
        variant,
        families.filter((each) => inUse.includes(each)),
      );
      return { variant, saved };
    }),
  );
  const found = attempts.filter((attempt) => attempt.status === 'fulfilled');
  // It may hold the traces, and ours: one that was not heard out is not one without.
  const unheard = attempts.find(
    (attempt) => attempt.status === 'rejected' && isUnheard(attempt.reason),
  );
  if (unheard?.status === 'rejected') throw unheard.reason;
  if (found.length === 0) throw (attempts[0] as PromiseRejectedResult).reason;
  const readable = found.map(({ value }) => value);
  const texts = readable.flatMap(({ saved }) => [...saved.values()]);
  const traced = TRACES.map((trace) => readable.find(({ saved }) => holds(saved, trace))).find(
    (one) => one !== undefined,
  );
  return {
    traced,
    left: readable.find((one) => one !== traced && holds(one.saved, OURS))?.variant,
    readable: readable
      .toSorted((a, b) => ruleCount(b.saved) - ruleCount(a.saved))
      .map(({ variant }) => variant),
    unprintable: texts.flatMap(incompatibleTables),
    version: texts.map((text) => VERSION.exec(text)?.[1]).find((version) => version !== undefined),
  };
}

/**
 * Whether kubelet has come after us and into another variant: then the choice that was made without
 * its word was wrong, and rules in the other one may drop what ours let pass. Starts no process
 * unless another variant has any tables.
 *
 * @param own what was read of the variant in use
 * @returns what is in that other variant
 */
export async function kubeletElsewhere(
  { run, tablesInUse = tablesOfThisNamespace }: Look,
  { families, variants }: Installed,
  own: { readonly variant: IptablesVariant; readonly texts: readonly string[] },
): Promise<{ readonly variant: IptablesVariant; readonly saved: Saved } | undefined> {
  const [kubelet] = TRACES;
  if (own.texts.some((text) => kubelet.test(text))) return undefined;
  for (const variant of variants.filter((each) => each !== own.variant)) {
    const inUse = (await tablesInUse(variant)) ?? [];
    const present = families.filter((each) => inUse.includes(each));
    const saved = await saveAll(run, variant, present).catch(() => new Map<Family, string>());
    if (holds(saved, kubelet)) return { variant, saved };
  }
  return undefined;
}

/** The program was not started, or ended by a signal: nothing that the kernel said. */
function isUnheard(error: unknown): boolean {
  return error instanceof ExecError && error.exitCode === undefined && !isAbsent(error);
}

/** `# Generated by iptables-save v1.8.9 (nf_tables) on ...` */
const VERSION = /^# Generated by \S+ v(\d+(?:\.\d+)+) /m;

function holds(saved: Saved, trace: RegExp): boolean {
  return [...saved.values()].some((text) => trace.test(text));
}

function ruleCount(saved: Saved): number {
  return [...saved.values()].reduce((sum, text) => sum + (text.match(/^-A /gm)?.length ?? 0), 0);
}

function absent(variant: IptablesVariant): ExecError {
  const argv = [programName('IPv4', variant, '-save')];
  return new ExecError({ argv, stderr: NO_NF_TABLES });
}

const NO_NF_TABLES =
  'this kernel has no nf_tables: try modprobe nf_tables, or install iptables-legacy';

function isAbsent({ stderr }: ExecError): boolean {
  return stderr === NO_NF_TABLES;
}

/** Without a table's name: naming one would make the kernel create it. @throws ExecError */
export async function saveAll(
  run: Runner,
  variant: IptablesVariant,
  families: readonly Family[],
): Promise<Saved> {
  const texts = families.map(async (family) => {
    const { stdout, stderr } = await run([programName(family, variant, '-save')]);
    return [family, `${stdout}${stderr}`] as const;
  });
  return new Map(await Promise.all(texts));
}

const PROBE_CHAIN = 'KUBE-IPVS-PROBE';

/**
 * The first variant in which a chain can be made, found again, and removed. A single one is not
 * tried: its errors will tell.
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
    // Not by a save: it leaves out a table that holds what iptables cannot print.
    const { stdout } = await run([program, '-t', 'nat', '-S', PROBE_CHAIN]);
    await run(restore, { stdin: `*nat\n-X ${PROBE_CHAIN}\nCOMMIT\n` });
    return stdout.includes(`-N ${PROBE_CHAIN}`) ? undefined : `${program} forgets what it is told`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
