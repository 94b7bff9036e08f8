/**
 * What may have to be known of any Node: its addresses and its range of pods. In as little room as
 * it takes, for there may be thousands, of which few ever matter.
 */
import type { NodeResource } from '../model/resources.ts';

/** What a table of all Nodes has of one. */
export interface NodeRow {
  readonly name: string;
  /** the first of its type, canonical; undefined: it has none */
  readonly internalAddress: string | undefined;
  readonly externalAddress: string | undefined;
}

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

  /** Nothing in the row is otherwise than it was read. */
  isAs({ name, internalAddress, externalAddress }: NodeRow): boolean {
    const line = this.#lines.get(name);
    if (line === undefined) return false;
    const [addresses, externalAddresses] = JSON.parse(line) as Facts;
    const hasInternal = addresses.length > externalAddresses.length;
    if (internalAddress === undefined ? hasInternal : !addresses.includes(internalAddress))
      return false;
    if (externalAddress === undefined) return externalAddresses.length === 0;
    return addresses.includes(externalAddress);
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
