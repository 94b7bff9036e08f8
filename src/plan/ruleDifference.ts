/**
 * Difference of one iptables table. Chains of ours must hold exactly the desired rules in order; in
 * the built-in chains each of our jumps must stand exactly once: what others put there, and the
 * order in which it stands, is theirs (as in kube-proxy).
 */
import type { Chains } from '../dataplane/tables.ts';

const BUILT_IN_CHAINS = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

export function isBuiltInChain(chain: string): boolean {
  return BUILT_IN_CHAINS.has(chain);
}

/** False as soon as one chain of ours differs, or one jump is missing or stands twice. */
export function hasDesiredRules(desired: Chains, actual: Chains): boolean {
  return differingChain(desired, actual) === undefined;
}

/** The chain, or a jump to it. */
export function isPresent(name: string, actual: Chains): boolean {
  if (actual.has(name)) return true;
  return [...actual.values()].some((rules) => rules.some((rule) => targetOf(rule) === name));
}

/** The first chain that is not as desired. */
export function differingChain(desired: Chains, actual: Chains): string | undefined {
  for (const [chain, rules] of desired) {
    const present = actual.get(chain);
    const isRight = isBuiltInChain(chain)
      ? isRepaired(jumpRepair(rules, present))
      : present?.length === rules.length && rules.every((rule, i) => rule === present[i]);
    if (!isRight) return chain;
  }
  return undefined;
}

/** What it takes that each jump stands once. */
export interface JumpRepair {
  /** in desired order: together they go to the head of the chain */
  readonly missing: readonly string[];
  /** that stand several times, or in other words: one is to stand where the first copy does */
  readonly doubled: readonly {
    readonly jump: string;
    /** places in the list of those present, ascending */
    readonly copies: readonly number[];
  }[];
}

function isRepaired({ missing, doubled }: JumpRepair): boolean {
  return missing.length === 0 && doubled.length === 0;
}

/** @param present our jumps in one built-in chain; undefined = none */
export function jumpRepair(
  desired: readonly string[],
  present: readonly string[] = [],
): JumpRepair {
  const found = desired.map((jump) => ({ jump, copies: copiesOf(jump, present) }));
  return {
    missing: found.filter(({ copies }) => copies.length === 0).map(({ jump }) => jump),
    doubled: found.filter(
      ({ jump, copies }) =>
        copies.length > 1 || (copies.length === 1 && present[copies[0]!] !== jump),
    ),
  };
}

/** The jumps of a built-in chain as they stand after the repair. */
export function repairedJumps(
  desired: readonly string[],
  present: readonly string[] = [],
): readonly string[] {
  const { missing, doubled } = jumpRepair(desired, present);
  const kept: (string | undefined)[] = [...present];
  for (const { jump, copies } of doubled) {
    for (const at of copies) kept[at] = undefined;
    kept[copies[0]!] = jump;
  }
  return [...missing, ...kept.filter((jump) => jump !== undefined)];
}

/**
 * Also those that an iptables prints in other words: to the same chain and with the same comment.
 */
function copiesOf(jump: string, present: readonly string[]): number[] {
  const [target, comment] = [targetOf(jump), commentOf(jump)];
  const isCopy = (rule: string) =>
    rule === jump ||
    (comment !== undefined && targetOf(rule) === target && commentOf(rule) === comment);
  return present.flatMap((rule, at) => (isCopy(rule) ? [at] : []));
}

/**
 * Chain that a rule jumps or goes to; comments cannot be taken for it, for they are quoted before.
 */
export function targetOf(rule: string): string | undefined {
  return /(?:^| )(?:-j|-g) (\S+)/.exec(rule.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'))?.[1];
}

function commentOf(rule: string): string | undefined {
  return / --comment ("(?:[^"\\]|\\.)*"|\S+)/.exec(rule)?.[1]?.replaceAll('"', '');
}
