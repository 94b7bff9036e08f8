/**
 * Who has an address: for finding the few that a change concerns. Most have one owner, who is kept
 * without a set.
 */
import type { Address } from '../net/address.ts';

export class AddressIndex<Owner extends string | object> {
  readonly #owners = new Map<Address, Owner | Set<Owner>>();

  /** Puts the owner's addresses in the place of those it had. @returns what came or went */
  replace(
    owner: Owner,
    before: ReadonlySet<Address>,
    after: ReadonlySet<Address>,
  ): readonly Address[] {
    const changed: Address[] = [];
    for (const address of after) {
      if (before.has(address)) continue;
      this.#add(address, owner);
      changed.push(address);
    }
    for (const address of before) {
      if (after.has(address)) continue;
      this.#remove(address, owner);
      changed.push(address);
    }
    return changed;
  }

  /** In no order that could be relied on. */
  ownersOf(address: Address): Iterable<Owner> {
    const owners = this.#owners.get(address);
    if (owners === undefined) return [];
    return owners instanceof Set ? owners : [owners];
  }

  addresses(): Iterable<Address> {
    return this.#owners.keys();
  }

  #add(address: Address, owner: Owner): void {
    const present = this.#owners.get(address);
    if (present === undefined) this.#owners.set(address, owner);
    else if (present instanceof Set) present.add(owner);
    else this.#owners.set(address, new Set([present, owner]));
  }

  #remove(address: Address, owner: Owner): void {
    const present = this.#owners.get(address);
    if (!(present instanceof Set)) {
      this.#owners.delete(address);
      return;
    }
    present.delete(owner);
    const [first] = present;
    if (present.size === 1) this.#owners.set(address, first!);
  }
}
