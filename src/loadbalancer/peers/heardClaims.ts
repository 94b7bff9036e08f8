/**
 * The addresses that a peer claims. A long list comes in many parts and a hand-over must not wait
 * for the last of them: what a part names is claimed from then on, what a RELEASE names is not any
 * more. When all parts of a generation are there, they alone count.
 */
import type { Address } from '../../net/address.ts';
import type { Part } from '../../wire/heartbeatBody.ts';
import { areSame } from './addressSets.ts';
import { GatheredList, MAX_PARTS } from './gatheredList.ts';
import { isLater } from './generation.ts';

/** Of what was told ahead of complete lists: as much as one list may have, roughly. */
const MAX_AHEAD = MAX_PARTS * 64;

const NONE: ReadonlySet<Address> = new Set();

export class HeardClaims {
  #list = new GatheredList<Address>();
  /** Generation of the latest part, or RELEASE, that names an address, later than the list. */
  #claimed = new Map<Address, number>();
  #released = new Map<Address, number>();
  #effective: ReadonlySet<Address> | undefined = NONE;
  #last: ReadonlySet<Address> = NONE;

  /** of the complete list; undefined: there is none yet */
  get generation(): number | undefined {
    return this.#list.complete?.generation;
  }

  /** The same object until something else is claimed. */
  get addresses(): ReadonlySet<Address> {
    if (this.#effective === undefined) {
      const now = this.#compute();
      this.#effective = areSame(now, this.#last) ? this.#last : now;
      this.#last = this.#effective;
    }
    return this.#effective;
  }

  claim(part: Part<Address>, generation: number): void {
    if (this.#isPast(generation)) return;
    if (this.#list.add(part, generation)) {
      this.#claimed = laterThan(generation, this.#claimed);
      this.#released = laterThan(generation, this.#released);
    } else {
      for (const address of part.entries) this.#note(address, generation);
      this.#bound();
    }
    this.#effective = undefined;
  }

  /** @param generation of the sender's table when it had let them go */
  release(addresses: readonly Address[], generation: number): void {
    if (this.#isPast(generation)) return;
    for (const address of addresses) {
      const claimed = this.#claimed.get(address);
      if (claimed !== undefined && isLater(claimed, generation)) continue;
      this.#claimed.delete(address);
      this.#released.set(address, generation);
    }
    this.#bound();
    this.#effective = undefined;
  }

  #note(address: Address, generation: number): void {
    const released = this.#released.get(address);
    if (released !== undefined && !isLater(generation, released)) return;
    const claimed = this.#claimed.get(address);
    if (claimed === undefined || isLater(generation, claimed)) {
      this.#claimed.set(address, generation);
    }
  }

  #isPast(generation: number): boolean {
    const complete = this.generation;
    return complete !== undefined && !isLater(generation, complete);
  }

  /** Nobody comes here who tells the truth; a complete list, which is asked for, mends it. */
  #bound(): void {
    if (this.#claimed.size + this.#released.size <= MAX_AHEAD) return;
    this.#list = new GatheredList();
    this.#claimed.clear();
    this.#released.clear();
  }

  #compute(): ReadonlySet<Address> {
    const listed = this.#list.complete?.entries ?? [];
    if (this.#claimed.size === 0 && this.#released.size === 0) return new Set(listed);
    const kept = listed.filter((address) => !this.#released.has(address));
    return new Set([...kept, ...this.#claimed.keys()]);
  }
}

function laterThan(generation: number, noted: ReadonlyMap<Address, number>): Map<Address, number> {
  return new Map([...noted].filter(([, each]) => isLater(each, generation)));
}
