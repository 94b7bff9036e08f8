/**
 * Ranges of pod addresses as the Nodes' specs have them. Finds the one that holds an address in a
 * step for each length in use.
 */
import type { NodeResource } from '../model/resources.ts';
import { type Address, familyOf } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { type Prefix, formatPrefix, parsePrefix, prefixOf } from '../net/prefix.ts';

export class PodRanges {
  /** `10.244.1.0/24` → names of the Nodes that have it */
  readonly #nodes = new Map<string, Set<string>>();
  /** how many ranges of a length there are */
  readonly #lengths: Readonly<Record<Family, Map<number, number>>> = {
    IPv4: new Map(),
    IPv6: new Map(),
  };

  /** @returns ranges that came, went, or changed hands */
  setNode(
    name: string,
    before: NodeResource | undefined,
    after: NodeResource | undefined,
  ): readonly Prefix[] {
    const old = rangesOf(before);
    const now = rangesOf(after);
    for (const [text, range] of now) if (!old.has(text)) this.#add(text, range, name);
    for (const [text, range] of old) if (!now.has(text)) this.#remove(text, range, name);
    return [...old, ...now]
      .filter(([text]) => old.has(text) !== now.has(text))
      .map(([, range]) => range);
  }

  has(family: Family): boolean {
    return this.#lengths[family].size > 0;
  }

  /** `10.244.1.0/24 of node worker-1`, the same whatever the order in which they came. */
  find(address: Address): string | undefined {
    const lengths = [...this.#lengths[familyOf(address)].keys()].toSorted((a, b) => b - a);
    for (const length of lengths) {
      const range = formatPrefix(prefixOf(address, length));
      const nodes = this.#nodes.get(range);
      if (nodes !== undefined) return `${range} of node ${[...nodes].toSorted()[0]}`;
    }
    return undefined;
  }

  #add(text: string, range: Prefix, name: string): void {
    const nodes = this.#nodes.get(text);
    if (nodes !== undefined) nodes.add(name);
    else {
      this.#nodes.set(text, new Set([name]));
      this.#count(range, 1);
    }
  }

  #remove(text: string, range: Prefix, name: string): void {
    const nodes = this.#nodes.get(text);
    nodes?.delete(name);
    if (nodes?.size !== 0) return;
    this.#nodes.delete(text);
    this.#count(range, -1);
  }

  #count({ family, length }: Prefix, step: 1 | -1): void {
    const lengths = this.#lengths[family];
    const count = (lengths.get(length) ?? 0) + step;
    if (count === 0) lengths.delete(length);
    else lengths.set(length, count);
  }
}

/** A range of length 0 says nothing about where pods are. */
function rangesOf(node: NodeResource | undefined): ReadonlyMap<string, Prefix> {
  const ranges = new Map<string, Prefix>();
  for (const text of node?.podCIDRs ?? []) {
    const range = parsePrefix(text);
    if (range !== undefined && range.length > 0) ranges.set(formatPrefix(range), range);
  }
  return ranges;
}

/**
 * Those of the addresses that lie in one of the ranges; in a step for each address and length, not
 * for each range.
 */
export function addressesWithin(
  ranges: readonly Prefix[],
  addresses: Iterable<Address>,
): readonly Address[] {
  if (ranges.length === 0) return [];
  const texts = new Set(ranges.map(formatPrefix));
  const lengths = new Set(ranges.map(({ length }) => length));
  const isWithin = (address: Address) =>
    [...lengths].some((length) => texts.has(formatPrefix(prefixOf(address, length))));
  return [...addresses].filter(isWithin);
}
