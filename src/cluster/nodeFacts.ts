/**
 * What may have to be known of any Node: its addresses and its range of pods. In as little room as
 * it takes, for there may be thousands, of which few ever matter.
 */
import type { NodeResource } from '../model/resources.ts';

type Facts = readonly [
  addresses: readonly string[],
  externalAddresses: readonly string[],
  podCIDRs: readonly string[],
];

export class NodeFacts {
  /** by name, as JSON: a tenth of the objects */
  readonly #lines = new Map<string, string>();

  get size(): number {
    return this.#lines.size;
  }

  names(): Iterable<string> {
    return this.#lines.keys();
  }

  set({ name, addresses, externalAddresses = [], podCIDRs }: NodeResource): void {
    const facts: Facts = [addresses, externalAddresses, podCIDRs];
    this.#lines.set(name, JSON.stringify(facts));
  }

  delete(name: string): void {
    this.#lines.delete(name);
  }

  clear(): void {
    this.#lines.clear();
  }

  *all(): Generator<NodeResource> {
    for (const [name, line] of this.#lines) {
      const [addresses, externalAddresses, podCIDRs] = JSON.parse(line) as Facts;
      const external = externalAddresses.length === 0 ? {} : { externalAddresses };
      yield { name, addresses, ...external, podCIDRs, isLeaving: false };
    }
  }
}
