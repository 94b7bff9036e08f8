/**
 * Whether this node as a whole can program a family: what keeps failing there, and what was never
 * read.
 */
import type { Family } from '../../net/family.ts';
import type { Conditions } from '../../ops/conditions.ts';
import { FAMILY_NOT_PROGRAMMED } from '../conditions.ts';
import type { KernelView } from '../loop/kernelView.ts';
import type { StandingFailures } from './standingFailures.ts';

/**
 * To be called before a round that was given up is forgotten, so that what it leaves broken has
 * been so all the time.
 */
export function reviewFamilies(
  conditions: Conditions,
  failures: StandingFailures,
  view: KernelView | undefined,
): void {
  const unknown = view?.isKnown === true ? [...view.state.unknown.keys()] : [];
  const families = [...failures.brokenFamilies(), ...unknown.flatMap((part) => part.families)];
  const reportOf = (family: Family) =>
    ({ message: `${family} cannot be programmed here`, families: [family] }) as const;
  const reports = new Map(families.map((family) => [family, reportOf(family)]));
  conditions.replace(FAMILY_NOT_PROGRAMMED, reports);
}
