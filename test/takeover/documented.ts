/**
 * What a first round may write after kube-proxy 1.37.2 in mode ipvs, and nothing else: the table
 * "After kube-proxy" of docs/differences.md.
 */
import type { PlannedOperation } from './scene.ts';

const DOCUMENTED = [
  /^createSet KUBE-(?:6-)?IPVS-(?:DROP|REJECT|INSIDE)$/,
  /^createSet KUBE-(?:6-)?LOAD-BALANCER-OUT-DENY$/,
  /^addEntry KUBE-(?:6-)?IPVS-(?:DROP|REJECT|INSIDE)$/,
  /^writeRules IPv[46] (?:nat|filter)$/,
];

/** How many operations of each kind: `addEntry KUBE-IPVS-REJECT` → 19. */
export function writesByKind(operations: readonly PlannedOperation[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const operation of operations) {
    const kind = kindOf(operation);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Kinds that no line of the documentation has. */
export function undocumented(operations: readonly PlannedOperation[]): readonly string[] {
  const kinds = Object.keys(writesByKind(operations));
  return kinds.filter((kind) => !DOCUMENTED.some((pattern) => pattern.test(kind)));
}

function kindOf({ op, set, name, family, table }: PlannedOperation): string {
  return [op, set ?? name ?? family, table].filter((word) => word !== undefined).join(' ');
}
