/**
 * Trying to give a Service what it misses. One that needs both families gets both or nothing new.
 */
import type { Family } from '../../net/family.ts';
import { automatic } from './automatic.ts';
import type { Failure } from './cause.ts';
import type { Ground } from './ground.ts';
import { PerFamily } from './perFamily.ts';
import type { Located } from './poolTable.ts';
import { requested } from './requested.ts';
import type { Work } from './work.ts';

type Found = PerFamily<Located | Failure>;

const NOTHING: Found = new PerFamily();

/** Asked-for addresses and automatic ones in one go. */
export function attempt(ground: Ground, work: Work, families: readonly Family[]): void {
  const asked = lookRequested(ground, work, families);
  const open = lookAutomatic(ground, work, families);
  const isWhole = [asked, open].map((found) => note(work, found)).every(Boolean);
  if (!isWhole && work.claimant.needsAll) return;
  giveFound(work, asked);
  giveFound(work, open);
}

/**
 * Gives what is asked for by name.
 *
 * @returns the families that it got an address of
 */
export function attemptRequested(ground: Ground, work: Work): readonly Family[] {
  if (work.claimant.request.addresses.size === 0) return [];
  const missing = work.missing();
  const found = lookRequested(ground, work, missing);
  if (found.size === 0) return [];
  const isWhole = note(work, found);
  if (work.claimant.needsAll) {
    if (!isWhole || !note(work, lookAutomatic(ground, work, missing))) return [];
  }
  return giveFound(work, found);
}

/**
 * Gives what is not asked for by name, to one that has got the rest.
 *
 * @param given what it got by name before in this allocation: goes again when the rest cannot be
 *   had and it needs all
 * @returns false: it had to give something back
 */
export function attemptAutomatic(ground: Ground, work: Work, given: readonly Family[]): boolean {
  const missing = work.missing();
  const { needsAll, request } = work.claimant;
  if (needsAll && missing.some((family) => request.addresses.has(family))) return true;
  const found = lookAutomatic(ground, work, missing);
  if (note(work, found) || !needsAll) {
    giveFound(work, found);
    return true;
  }
  for (const family of given) work.takeBack(family);
  return given.length === 0;
}

function lookRequested(ground: Ground, { claimant }: Work, families: readonly Family[]): Found {
  const { addresses } = claimant.request;
  if (addresses.size === 0) return NOTHING;
  const found: Found = new PerFamily();
  for (const family of families) {
    const address = addresses.get(family);
    if (address !== undefined) found.set(family, requested(ground, claimant, address));
  }
  return found;
}

function lookAutomatic(ground: Ground, work: Work, families: readonly Family[]): Found {
  const { claimant, placed, unwanted } = work;
  const { addresses } = claimant.request;
  const open = addresses.size === 0 ? families : families.filter((one) => !addresses.has(one));
  if (open.length === 0) return NOTHING;
  const kept = placed.values().find(({ family }) => !unwanted.has(family));
  return automatic(ground, claimant, open, kept?.place?.pool);
}

/** @returns whether all is there */
function note({ failures }: Work, found: Found): boolean {
  let isWhole = true;
  for (const family of found.families()) {
    const result = found.get(family)!;
    const failed = isFailure(result) ? result : undefined;
    failures.set(family, failed);
    isWhole &&= failed === undefined;
  }
  return isWhole;
}

/** @returns the families of it */
function giveFound(work: Work, found: Found): readonly Family[] {
  const given = found.values().filter(isLocated);
  for (const located of given) work.give(located);
  return given.map(({ family }) => family);
}

function isLocated(result: Located | Failure): result is Located {
  return !isFailure(result);
}

function isFailure(result: Located | Failure): result is Failure {
  return 'cause' in result;
}
