/**
 * Difference of one ipset. A set of the wrong type, family or of too little capacity is replaced,
 * which keeps its name's references; all else are single entries. Which sets are looked at is the
 * caller's choice.
 */
import type { IpSet } from '../dataplane/state.ts';
import type { Operation, SetSpec } from '../dataplane/operations.ts';

/** @param only entries that may differ; absent: all */
export function setDifference(
  desired: IpSet,
  actual: IpSet | undefined,
  only?: ReadonlySet<string>,
): Operation[] {
  const set = setSpecOf(desired);
  if (actual === undefined)
    return [{ op: 'createSet', set }, ...additions(set, desired.entries, new Set())];
  const isSameKind = actual.type === desired.type && actual.family === desired.family;
  if (isSameKind && hasCapacity(actual, desired))
    return entryDifference(set, desired.entries, actual.entries, only);
  return replacement(set, desired.entries, isSameKind ? actual.entries : new Set());
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

function entryDifference(
  set: SetSpec,
  desired: ReadonlySet<string>,
  actual: ReadonlySet<string>,
  only: ReadonlySet<string> | undefined,
): Operation[] {
  if (only === undefined)
    return [...additions(set, desired, actual), ...removals(set, actual, desired)];
  const operations: Operation[] = [];
  for (const entry of only) {
    const isWanted = desired.has(entry);
    if (isWanted === actual.has(entry)) continue;
    operations.push({ op: isWanted ? 'addEntry' : 'removeEntry', set, entry });
  }
  return operations;
}

function additions(
  set: SetSpec,
  wanted: ReadonlySet<string>,
  present: ReadonlySet<string>,
): Operation[] {
  return missingFrom(present, wanted).map((entry) => ({ op: 'addEntry', set, entry }));
}

function removals(
  set: SetSpec,
  present: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): Operation[] {
  return missingFrom(wanted, present).map((entry) => ({ op: 'removeEntry', set, entry }));
}

function missingFrom(here: ReadonlySet<string>, there: ReadonlySet<string>): string[] {
  return [...there].filter((entry) => !here.has(entry));
}

/** Sets without a known capacity (bitmaps, a state read from a file) always have enough. */
function hasCapacity(actual: IpSet, desired: IpSet): boolean {
  return (actual.maxElements ?? Infinity) >= (desired.maxElements ?? 0);
}

export function setSpecOf(set: IpSet): SetSpec {
  const { entries: _, ...spec } = set;
  return spec;
}
