/** "Did you mean …?": the known name nearest to what somebody typed. */

/** @returns the best candidate, or undefined when none is near enough to be worth a guess */
export function nearest(typed: string, candidates: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly cost: number } | undefined;
  for (const name of candidates) {
    const cost = distance(typed, name);
    if (best === undefined || cost < best.cost) best = { name, cost };
  }
  return best !== undefined && best.cost <= Math.max(1, typed.length * 0.4) ? best.name : undefined;
}

/** ` (did you mean X?)`, or nothing. */
export function suggestion(typed: string, candidates: readonly string[], prefix = ''): string {
  const name = nearest(typed, candidates);
  return name === undefined ? '' : ` (did you mean ${prefix}${name}?)`;
}

/**
 * Edit distance; a name that merely has more around what was typed (`scheduler`, `ipvs-scheduler`)
 * is as near as a typo.
 */
function distance(typed: string, name: string): number {
  if (typed.length >= 4 && name.includes(typed)) return 1 + (name.length - typed.length) / 100;
  return editDistance(typed, name);
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const above = rows[i - 1]!;
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      const cost = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + change);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(isSwap ? Math.min(cost, rows[i - 2]![j - 2]! + 1) : cost);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
