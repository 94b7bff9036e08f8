/**
 * Which names of ours nothing bears now: those of contributors that are off, and chains that one
 * which is on has no use for.
 */
import { setName } from '../dataplane/setNames.ts';
import type { DataplaneState, UnusedNames } from '../dataplane/state.ts';
import { TABLES } from '../dataplane/tables.ts';
import { FAMILIES } from '../net/family.ts';
import type { Footprint } from './contributor.ts';

/** @returns undefined when there are none */
export function unusedNames(
  on: readonly Footprint[],
  off: readonly Footprint[],
  { IPv4, IPv6 }: DataplaneState['iptables'],
): UnusedNames | undefined {
  const sets = off.flatMap((each) =>
    FAMILIES.flatMap((family) => each.sets.map(({ name }) => setName(name, family))),
  );
  const chains = TABLES.flatMap((table) => {
    const isUsed = (name: string) =>
      IPv4[table]?.has(name) === true || IPv6[table]?.has(name) === true;
    const names = [...on, ...off].flatMap((each) => each.chains[table] ?? []);
    const unused = names.filter((name) => !isUsed(name));
    return unused.length === 0 ? [] : [[table, unused] as const];
  });
  if (sets.length === 0 && chains.length === 0) return undefined;
  return { sets, chains: Object.fromEntries(chains) };
}
