/** The addresses in pools that carry a share key, lowest first. */
import type { Pool } from '../../config/loadBalancer/settings.ts';
import type { Family } from '../../net/family.ts';
import type { Located } from './poolTable.ts';
import type { Sharer } from './sharing.ts';

interface Carriers {
  /** by number */
  readonly addresses: Located[];
  /** by kind and ports of who asked: how many of the first are known not to do for it */
  readonly refused: Map<string, number>;
}

export class ShareIndex {
  readonly #carriers = new Map<Pool, Map<string, Carriers>>();

  add({ shareKey }: Sharer, located: Located): void {
    if (shareKey === undefined || located.place === undefined) return;
    const { addresses, refused } = this.#of(located.place.pool, located.family, shareKey);
    const at = firstFrom(addresses, located.value);
    if (addresses[at]?.value === located.value) return;
    addresses.splice(at, 0, located);
    for (const [kind, count] of refused) if (count > at) refused.set(kind, at);
  }

  remove({ shareKey }: Sharer, located: Located): void {
    if (shareKey === undefined || located.place === undefined) return;
    const { addresses, refused } = this.#of(located.place.pool, located.family, shareKey);
    const at = firstFrom(addresses, located.value);
    if (addresses[at]?.value === located.value) addresses.splice(at, 1);
    refused.clear();
  }

  /**
   * The lowest address of the pool that carries the key of who asks and does for it.
   *
   * @param isRefused as long as nobody leaves, no becomes never a yes
   */
  lowest(
    asking: Sharer,
    pool: Pool,
    family: Family,
    isRefused: (located: Located) => boolean,
  ): Located | undefined {
    const { shareKey, signature, ports } = asking;
    if (shareKey === undefined || !this.#carriers.has(pool)) return undefined;
    const { addresses, refused } = this.#of(pool, family, shareKey);
    const kind = `${signature} ${ports.join()}`;
    let at = refused.get(kind) ?? 0;
    while (at < addresses.length && isRefused(addresses[at]!)) at++;
    refused.set(kind, at);
    return addresses[at];
  }

  #of(pool: Pool, family: Family, shareKey: string): Carriers {
    const ofPool = this.#carriers.get(pool) ?? new Map<string, Carriers>();
    this.#carriers.set(pool, ofPool);
    const key = `${family} ${shareKey}`;
    const known = ofPool.get(key) ?? { addresses: [], refused: new Map() };
    ofPool.set(key, known);
    return known;
  }
}

/** The place of the first that is not below it. */
function firstFrom(addresses: readonly Located[], value: bigint): number {
  let [low, high] = [0, addresses.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (addresses[middle]!.value < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
