/** The choice of addresses for families for which none is asked for by name. */
import type { Pool } from '../../config/loadBalancer/settings.ts';
import type { Family } from '../../net/family.ts';
import { noFamily, type PoolChoice } from './admission.ts';
import { type Failure, failure } from './cause.ts';
import type { Claimant } from './claimant.ts';
import type { Ground } from './ground.ts';
import { PerFamily } from './perFamily.ts';
import type { Located } from './poolTable.ts';

/**
 * One for each family, or why there is none.
 *
 * @param preferred the pool of an address that the Service has already
 */
export function automatic(
  ground: Ground,
  claimant: Claimant,
  families: readonly Family[],
  preferred: Pool | undefined,
): PerFamily<Located | Failure> {
  const choice = ground.admission.choose(claimant.service, claimant.request.pools);
  const found = new PerFamily<Located | Failure>();
  if ('cause' in choice) {
    for (const family of families) found.set(family, choice);
    return found;
  }
  let pools = startingWith(preferred, choice.pools);
  let rest = families;
  if (claimant.sharer.shareKey !== undefined) {
    for (const family of families) {
      const shared = lowestShared(ground, claimant, family, pools);
      found.set(family, shared);
      pools = startingWith(shared?.place?.pool, pools);
    }
    rest = families.filter((family) => !found.has(family));
  }
  if (rest.length > 1) {
    const whole = pools.find((pool) => rest.every((family) => lowestFree(ground, pool, family)));
    pools = startingWith(whole, pools);
  }
  for (const family of rest) {
    const free = firstOf(pools, (pool) => lowestFree(ground, pool, family));
    found.set(family, free ?? exhausted(ground, choice, family));
  }
  return found;
}

function startingWith(pool: Pool | undefined, pools: readonly Pool[]): readonly Pool[] {
  if (pool === undefined || pool === pools[0] || !pools.includes(pool)) return pools;
  return [pool, ...pools.filter((other) => other !== pool)];
}

function lowestShared(
  { tenants, reservations }: Ground,
  { sharer }: Claimant,
  family: Family,
  pools: readonly Pool[],
): Located | undefined {
  const isRefused = ({ address }: Located) =>
    reservations.isReserved(address) || tenants.refusal(sharer, address) !== undefined;
  return firstOf(pools, (pool) => tenants.shared.lowest(sharer, pool, family, isRefused));
}

function lowestFree({ table, isTaken }: Ground, pool: Pool, family: Family): Located | undefined {
  return table.lowestFree(pool, family, isTaken);
}

function exhausted({ table }: Ground, { pools, leftOut }: PoolChoice, family: Family): Failure {
  const having = pools.filter((pool) => table.hasFamily(pool, family));
  const others =
    leftOut.length === 0
      ? ''
      : `; left out, as allocation.fallback is Never: ${leftOut.map(({ name }) => name).join(', ')}`;
  if (having.length === 0) {
    const { cause, message } = noFamily(family, pools);
    return failure(cause, message + others);
  }
  const sizes = having.map((pool) => `${pool.name} has ${table.size(pool, family)}`).join(', ');
  return failure('PoolsExhausted', `no ${family} address is free: ${sizes}${others}`);
}

function firstOf<T, R>(list: readonly T[], look: (item: T) => R | undefined): R | undefined {
  for (const item of list) {
    const found = look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
