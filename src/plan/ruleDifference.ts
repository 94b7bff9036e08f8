/**
 * Difference of one iptables table. Chains of ours must hold exactly the desired rules in order; in the built-in chains only
 * the presence of our jumps counts: what others put there, and the order in which it stands, is theirs (as in kube-proxy).
 */
import type { Chains } from '../desired/state.ts';

const BUILT_IN_CHAINS = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

export function isBuiltInChain(chain: string): boolean {
  return BUILT_IN_CHAINS.has(chain);
}

/** False as soon as one chain of ours differs or one jump is missing. */
export function hasDesiredRules(desired: Chains, actual: Chains): boolean {
  return [...desired].every(([chain, rules]) => {
    const present = actual.get(chain);
    if (isBuiltInChain(chain)) return missingJumps(rules, present).length === 0;
    return present?.length === rules.length && rules.every((rule, i) => rule === present[i]);
  });
}

/** Desired jumps that do not stand in a built-in chain, in desired order: together they go to its head. */
export function missingJumps(
  desired: readonly string[],
  present: readonly string[] | undefined,
): readonly string[] {
  return desired.filter((jump) => !present?.includes(jump));
}
