import type { Address } from '../../net/address.ts';

/** A set that is told again and again, and by its snapshot whether it is another one by now. */
export class ChangingSet extends Set<Address> {
  #snapshot: ReadonlySet<Address> | undefined;

  /** As it is now: the same object as long as nothing has come or gone. */
  get snapshot(): ReadonlySet<Address> {
    return (this.#snapshot ??= new Set(this));
  }

  override add(address: Address): this {
    if (!this.has(address)) this.#snapshot = undefined;
    return super.add(address);
  }

  override delete(address: Address): boolean {
    const wasThere = super.delete(address);
    if (wasThere) this.#snapshot = undefined;
    return wasThere;
  }

  override clear(): void {
    super.clear();
    this.#snapshot = undefined;
  }
}
