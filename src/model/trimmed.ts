/**
 * Memory of lists that are kept. An array that was filled by `push` or from an iterable has room
 * for 17 elements at least (V8's growth, 152 bytes), where most of ours hold one or two.
 */

/** The same in no more room than it needs; what is empty is shared. */
export function trimmed<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NOTHING : list.slice();
}

const NOTHING: readonly never[] = [];
