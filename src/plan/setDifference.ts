/**
 * Difference of one ipset. A set of the wrong type, family or of too little capacity is replaced,
 * which keeps its name's references; all else are single entries. Which sets are looked at is the
 * caller's choice.
 */
import type { IpSet } from '../dataplane/state.ts';
import type { Operation, SetSpec } from '../dataplane/operations.ts';
import { either, inSlices, NOTHING } from './slices.ts';

/** @param only entries that may differ; absent: all */
export function* setDifference(
  desired: IpSet,
  actual: IpSet | undefined,
  only?: ReadonlySet<string>,
): Generator<readonly Operation[], void> {
  const set = setSpecOf(desired);
  if (actual === undefined) {
    yield [{ op: 'createSet', set }, ...additions(set, desired.entries)];
    return;
  }
  const isSameKind = actual.type === desired.type && actual.family === desired.family;
  if (!isSameKind || !hasCapacity(actual, desired)) {
    yield replacement(set, desired.entries, isSameKind ? actual.entries : new Set());
    return;
  }
  yield* inSlices(only ?? either(desired.entries, actual.entries), (entry) => {
    const isWanted = desired.entries.has(entry);
    if (isWanted === actual.entries.has(entry)) return NOTHING;
    return [{ op: isWanted ? 'addEntry' : 'removeEntry', set, entry }];
  });
}

/**
 * The old entries are carried over and leave afterwards, in their turn: an address that is still
 * bound keeps its entries.
 */
function replacement(
  set: SetSpec,
  desired: ReadonlySet<string>,
  carried: ReadonlySet<string>,
): Operation[] {
  const entries = [...new Set([...desired, ...carried])];
  const roomy =
    set.maxElements === undefined
      ? set
      : { ...set, maxElements: Math.max(set.maxElements, entries.length) };
  return [{ op: 'replaceSet', set: roomy, entries }, ...removals(set, carried, desired)];
}

function additions(set: SetSpec, entries: ReadonlySet<string>): Operation[] {
  return Array.from(entries, (entry) => ({ op: 'addEntry', set, entry }));
}

function removals(
  set: SetSpec,
  present: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): Operation[] {
  const surplus = [...present].filter((entry) => !wanted.has(entry));
  return surplus.map((entry) => ({ op: 'removeEntry', set, entry }));
}

/** Sets without a known capacity (bitmaps, a state read from a file) always have enough. */
function hasCapacity(actual: IpSet, desired: IpSet): boolean {
  return (actual.maxElements ?? Infinity) >= (desired.maxElements ?? 0);
}

export function setSpecOf(set: IpSet): SetSpec {
  const { entries: _, ...spec } = set;
  return spec;
}
