/**
 * Which pool an address lies in, how large pools are, and which of their addresses is the lowest
 * free one. No range is ever walked but over what is taken: each remembers below which number
 * nothing is free, so a /64 costs what a /28 does.
 */
import type { Pool } from '../../config/loadBalancer/settings.ts';
import { type Address, familyOf } from '../../net/address.ts';
import {
  addressFromNumber,
  type AddressRange,
  addressToNumber,
  rangeSize,
} from '../../net/addressRange.ts';
import type { Family } from '../../net/family.ts';

/** One range of a pool. */
export interface PoolRange {
  readonly pool: Pool;
  readonly range: AddressRange;
  /** below it nothing of the range is free */
  next: bigint;
  /** how many of its addresses somebody has */
  used: number;
}

/** An address and where it lies. */
export interface Located {
  readonly address: Address;
  readonly family: Family;
  readonly value: bigint;
  /** undefined: in no pool that would give it out */
  readonly place: PoolRange | undefined;
}

export class PoolTable {
  readonly pools: readonly Pool[];
  /** as written */
  readonly #ranges = new Map<Pool, Record<Family, PoolRange[]>>();
  /** by number */
  readonly #sorted: Record<Family, PoolRange[]> = { IPv4: [], IPv6: [] };
  readonly #names: ReadonlyMap<string, Pool>;

  constructor(pools: readonly Pool[]) {
    this.pools = pools;
    this.#names = new Map(pools.map((pool) => [pool.name, pool]));
    for (const pool of pools) {
      const own: Record<Family, PoolRange[]> = { IPv4: [], IPv6: [] };
      for (const range of pool.ranges) {
        const entry = { pool, range, next: range.first, used: 0 };
        own[range.family].push(entry);
        this.#sorted[range.family].push(entry);
      }
      this.#ranges.set(pool, own);
    }
    for (const list of Object.values(this.#sorted)) {
      list.sort((a, b) => (a.range.first < b.range.first ? -1 : 1));
    }
  }

  byName(name: string): Pool | undefined {
    return this.#names.get(name);
  }

  /** @param address canonical @param value its number, where that is known */
  locate(address: Address, value = addressToNumber(address)): Located {
    const family = familyOf(address);
    const entry = this.#lastUpTo(family, value);
    const isInside = entry !== undefined && value <= entry.range.last;
    const place = isInside && !isLeftOut(entry.pool, family, value) ? entry : undefined;
    return { address, family, value, place };
  }

  /** The pool whose ranges hold it, also where `skipZeroAnd255` leaves it out. */
  around({ family, value }: Located): Pool | undefined {
    const entry = this.#lastUpTo(family, value);
    return entry !== undefined && value <= entry.range.last ? entry.pool : undefined;
  }

  /** The pool with the range that is closest in number; undefined: none has the family. */
  nearest({ family, value }: Located): PoolRange | undefined {
    const below = this.#lastUpTo(family, value);
    const above = this.#sorted[family].find(({ range }) => range.first > value);
    if (below === undefined || above === undefined) return below ?? above;
    return value - below.range.last <= above.range.first - value ? below : above;
  }

  hasFamily(pool: Pool, family: Family): boolean {
    return this.#rangesOf(pool, family).length > 0;
  }

  /** Usable addresses: those that `skipZeroAnd255` leaves out are none. */
  size(pool: Pool, family: Family): bigint {
    let sum = 0n;
    for (const { range } of this.#rangesOf(pool, family)) {
      sum += rangeSize(range);
      if (pool.skipZeroAnd255 && family === 'IPv4') sum -= edgesIn(range);
    }
    return sum;
  }

  /** Addresses that somebody has, each counted once. */
  used(pool: Pool, family: Family): number {
    return this.#rangesOf(pool, family).reduce((sum, { used }) => sum + used, 0);
  }

  /**
   * By ranges as written, then by number.
   *
   * @param isTaken must not turn from true to false without {@link PoolTable.freed}
   */
  lowestFree(
    pool: Pool,
    family: Family,
    isTaken: (address: Address) => boolean,
  ): Located | undefined {
    for (const place of this.#rangesOf(pool, family)) {
      const { range } = place;
      for (; place.next <= range.last; place.next++) {
        const value = place.next;
        if (isLeftOut(pool, family, value)) continue;
        const address = addressFromNumber(family, value);
        if (!isTaken(address)) return { address, family, value, place };
      }
    }
    return undefined;
  }

  /** All may be free again. */
  clear(): void {
    for (const list of Object.values(this.#sorted)) {
      for (const place of list) Object.assign(place, { next: place.range.first, used: 0 });
    }
  }

  freed({ place, value }: Located): void {
    if (place !== undefined && value < place.next) place.next = value;
  }

  #rangesOf(pool: Pool, family: Family): readonly PoolRange[] {
    return this.#ranges.get(pool)?.[family] ?? [];
  }

  #lastUpTo(family: Family, value: bigint): PoolRange | undefined {
    const list = this.#sorted[family];
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle]!.range.first <= value) low = middle + 1;
      else high = middle;
    }
    return list[low - 1];
  }
}

function isLeftOut(pool: Pool, family: Family, value: bigint): boolean {
  if (!pool.skipZeroAnd255 || family === 'IPv6') return false;
  const last = value & 0xffn;
  return last === 0n || last === 0xffn;
}

/** How many end in .0 or .255. */
function edgesIn({ first, last }: AddressRange): bigint {
  const upTo = (value: bigint) => value / 256n + 1n + (value + 1n) / 256n;
  return upTo(last) - (first === 0n ? 0n : upTo(first - 1n));
}
