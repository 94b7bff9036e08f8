/** Work on many keys, some at a time. */
import type { Operation } from '../dataplane/operations.ts';

/** So many keys are compared within two milliseconds or so. */
const SLICE_KEYS = 1000;

/** One for all keys at which nothing differs, which are nearly all. */
export const NOTHING: readonly Operation[] = [];

/** @param compare what one key takes */
export function* inSlices<K>(
  keys: Iterable<K>,
  compare: (key: K) => readonly Operation[],
): Generator<readonly Operation[], void> {
  let slice: Operation[] = [];
  let count = 0;
  for (const key of keys) {
    for (const operation of compare(key)) slice.push(operation);
    if (++count % SLICE_KEYS > 0) continue;
    yield slice;
    slice = [];
  }
  yield slice;
}

interface Keyed<K> {
  keys(): Iterable<K>;
  has(key: K): boolean;
}

/** The keys that one of them has, each once; those of the first one first. */
export function* either<K>(first: Keyed<K>, second: Keyed<K>): Generator<K, void> {
  yield* first.keys();
  for (const key of second.keys()) if (!first.has(key)) yield key;
}

/** All of it at once. */
export function exhaust(slices: Iterator<unknown>): void {
  while (slices.next().done !== true);
}
