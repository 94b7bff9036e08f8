/**
 * A set of keys to look at again, gathered from several origins: the changes of the cluster, failed
 * operations whose time for another try has come. `isFull` means everything: at the start, after a
 * reading, with a new source. Where a search has been made for what differs, the keys are what it
 * found.
 */
import { serverKey } from '../../dataplane/state.ts';
import type { Touched } from '../../dataplane/touched.ts';
import type { DifferenceScope } from '../../plan/difference.ts';
import type { Operation } from '../../dataplane/operations.ts';

export class Scope implements DifferenceScope {
  readonly servers = new Set<string>();
  readonly addresses = new Set<string>();
  readonly entries = new Map<string, Set<string>>();
  readonly sets = new Set<string>();
  isFixedIncluded = false;
  isFull = false;
  /** how long everything was searched; undefined: it was not, all keys are to be compared */
  searchMs: number | undefined;

  get isEmpty(): boolean {
    const keys = this.servers.size + this.addresses.size + this.entries.size + this.sets.size;
    return keys === 0 && !this.isFixedIncluded && !this.isFull;
  }

  include(touched: Touched): void {
    if (touched.hasNewRules === true) this.isFixedIncluded = true;
    for (const key of touched.servers) this.servers.add(key);
    for (const address of touched.addresses) this.addresses.add(address);
    for (const [set, entries] of touched.entries) {
      for (const entry of entries) this.#includeEntry(set, entry);
    }
  }

  includeOperation(operation: Operation): void {
    switch (operation.op) {
      case 'addEntry':
      case 'removeEntry':
        this.#includeEntry(operation.set.name, operation.entry);
        break;
      case 'bindAddress':
      case 'unbindAddress':
        this.addresses.add(operation.address);
        break;
      case 'addServer':
      case 'updateServer':
      case 'removeServer':
      case 'addDestination':
      case 'updateDestination':
      case 'drainDestination':
      case 'removeDestination':
        this.servers.add(serverKey(operation.server));
        break;
      case 'createSet':
      case 'replaceSet':
        this.sets.add(operation.set.name);
        break;
      case 'setSysctl':
      case 'writeRules':
      case 'removeRules':
      case 'removeSet':
      case 'createDummyDevice':
        this.isFixedIncluded = true;
        break;
    }
  }

  /** Whether a round with this scope decides about what `operation` is for. */
  covers(operation: Operation): boolean {
    if (this.isFull) return true;
    switch (operation.op) {
      case 'addEntry':
      case 'removeEntry':
        return (
          this.sets.has(operation.set.name) ||
          this.entries.get(operation.set.name)?.has(operation.entry) === true
        );
      case 'createSet':
      case 'replaceSet':
        return this.sets.has(operation.set.name);
      case 'setSysctl':
      case 'writeRules':
      case 'removeRules':
      case 'removeSet':
      case 'createDummyDevice':
        return this.isFixedIncluded;
      case 'bindAddress':
      case 'unbindAddress':
        return this.addresses.has(operation.address);
      default:
        return this.servers.has(serverKey(operation.server));
    }
  }

  #includeEntry(set: string, entry: string): void {
    const entries = this.entries.get(set) ?? new Set();
    this.entries.set(set, entries.add(entry));
  }
}
