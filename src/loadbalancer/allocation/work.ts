/** What one Service has come to in the course of an allocation. */
import type { Address } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import type { Failure } from './cause.ts';
import type { Claimant } from './claimant.ts';
import type { Ground } from './ground.ts';
import type { Holding } from './holding.ts';
import { PerFamily } from './perFamily.ts';
import type { Located } from './poolTable.ts';

/** An address that it holds and does not keep. */
export interface Loss {
  readonly address: Address;
  readonly why: string;
}

const NONE: readonly never[] = [];

export class Work {
  readonly claimant: Claimant;
  readonly holdings: readonly Holding[];
  /** has now, and stands in the tenants for it */
  readonly placed = new PerFamily<Located>();
  /** had before and still has, though it asks for another */
  readonly unwanted = new PerFamily<Located>();
  readonly outOfPool = new PerFamily<Failure>();
  readonly losses: Loss[] = [];
  /** why the last try for a family came to nothing */
  readonly failures = new PerFamily<Failure>();
  readonly #ground: Ground;

  constructor(claimant: Claimant, holdings: readonly Holding[], ground: Ground) {
    this.claimant = claimant;
    this.holdings = holdings;
    this.#ground = ground;
  }

  /** Wanted families without an address, in order. */
  missing(): readonly Family[] {
    const { families } = this.claimant;
    if (this.placed.size === families.length) return NONE;
    return families.filter((family) => !this.placed.has(family));
  }

  /** Wanted families without an address, or with one that is not wanted. */
  open(): readonly Family[] {
    if (this.unwanted.size === 0) return this.missing();
    const { families } = this.claimant;
    return families.filter((family) => !this.placed.has(family) || this.unwanted.has(family));
  }

  /** Forgets what has been done. */
  begin(): void {
    this.placed.clear();
    this.unwanted.clear();
    this.outOfPool.clear();
    this.failures.clear();
    if (this.losses.length > 0) this.losses.length = 0;
  }

  /**
   * Has what it holds already.
   *
   * @returns false: not beside who is there
   */
  keep({ located, outOfPool }: Holding, isUnwanted: boolean): boolean {
    const { tenants } = this.#ground;
    const refused = tenants.refusal(this.claimant.sharer, located.address);
    if (refused !== undefined) {
      this.lose(located, refused.message);
      return false;
    }
    this.#put(located);
    if (isUnwanted) this.unwanted.set(located.family, located);
    if (outOfPool !== undefined) this.outOfPool.set(located.family, outOfPool);
    return true;
  }

  lose({ address }: Located, why: string): void {
    this.losses.push({ address, why });
  }

  /** Gets a new one, and lets one go of the same family. */
  give(located: Located): void {
    const { family } = located;
    const old = this.unwanted.get(family);
    if (old !== undefined) this.#remove(old);
    this.unwanted.delete(family);
    this.outOfPool.delete(family);
    this.failures.delete(family);
    this.#put(located);
  }

  /** Undoes {@link Work.give}, but that what was let go of then does not come back. */
  takeBack(family: Family): void {
    const located = this.placed.get(family);
    if (located !== undefined) this.#remove(located);
  }

  #put(located: Located): void {
    this.#ground.tenants.add(this.claimant.sharer, located);
    this.placed.set(located.family, located);
  }

  #remove(located: Located): void {
    const { tenants, table } = this.#ground;
    tenants.remove(this.claimant.sharer, located);
    if (!tenants.has(located.address)) table.freed(located);
    this.placed.delete(located.family);
  }
}
