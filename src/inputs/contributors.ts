/**
 * What shapes the dataplane besides the Services: which configuration asks for which contributor.
 * `run` and every command that plans go by this one list, so that a plan shows what the proxy does.
 * The part of a feature that runs is a row of agent/features.ts.
 */
import type { ResolvedConfig } from '../config/resolve.ts';
import type { Contributor, Footprint } from '../desired/contributor.ts';
import type { Need } from '../model/kinds.ts';

export interface ContributorRow {
  /** every name that it may leave in a kernel: what bears one goes when it is off */
  readonly footprint: Footprint;
  /** @returns nothing where the configuration does not ask for it */
  readonly asked: (config: ResolvedConfig) => AskedContributor | undefined;
}

export interface AskedContributor {
  /** loads its module, which is not loaded otherwise */
  readonly load: () => Promise<() => Contributor>;
  /** what it wants to know of the cluster besides what every proxy does */
  readonly needs?: readonly Need[];
}

/** Those that a configuration asks for. */
export interface Contributors {
  /** new ones: each lives as long as the builder that it is given to */
  readonly make: () => readonly Contributor[];
  /** of those that are off */
  readonly off: readonly Footprint[];
  readonly needs: ReadonlySet<Need>;
}

/** In the order in which their jumps stand in a slot, behind those of the Services. */
const CONTRIBUTORS: readonly ContributorRow[] = [];

/** Of all of them, on or off. */
export function everyFootprint(
  rows: readonly ContributorRow[] = CONTRIBUTORS,
): readonly Footprint[] {
  return rows.map(({ footprint }) => footprint);
}

export async function openContributors(
  config: ResolvedConfig,
  rows: readonly ContributorRow[] = CONTRIBUTORS,
): Promise<Contributors> {
  const all = rows.map(({ footprint, asked }) => ({ footprint, asked: asked(config) }));
  const on = all.flatMap(({ asked }) => (asked === undefined ? [] : [asked]));
  const makers = await Promise.all(on.map(({ load }) => load()));
  return {
    make: () => makers.map((make) => make()),
    off: all.filter(({ asked }) => asked === undefined).map(({ footprint }) => footprint),
    needs: new Set(on.flatMap(({ needs = [] }) => needs)),
  };
}
