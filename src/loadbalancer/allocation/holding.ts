/** What a Service has in its status, and whether it may go on having it whoever else is there. */
import type { BalancedService } from '../../model/balancedService.ts';
import type { Family } from '../../net/family.ts';
import { isMarked } from '../condition.ts';
import type { Cause } from './cause.ts';
import type { Claimant } from './claimant.ts';
import type { Ground } from './ground.ts';
import type { Located } from './poolTable.ts';
import { addressesInStatus, numbersInStatus } from './readLists.ts';

export interface Holding {
  readonly located: Located;
  /** moves: stays only if what is asked for instead cannot be had */
  readonly fate: 'stays' | 'moves' | 'goes';
  /** why it goes */
  readonly why?: string;
  /** why it is there although no pool gives it; only of one that does not go */
  readonly outOfPool?: { readonly cause: Cause; readonly message: string };
}

/** The first valid address of each wanted family, in their order. */
export function holdingsOf(claimant: Claimant, ground: Ground): readonly Holding[] {
  const held = heldAddresses(claimant.service, claimant.families, ground);
  return held.map((located) => judged(located, claimant, ground));
}

function heldAddresses(
  service: BalancedService,
  families: readonly Family[],
  { table }: Ground,
): readonly Located[] {
  if (service.ingress.length === 0) return [];
  const values = numbersInStatus(service);
  const held = addressesInStatus(service).map((address, i) => table.locate(address, values[i]));
  return families.flatMap((family) => held.find((located) => located.family === family) ?? []);
}

function judged(located: Located, { service, request }: Claimant, ground: Ground): Holding {
  const { address, family, place } = located;
  const owner = ground.reservations.takenAwayFor(address);
  if (owner !== undefined) return { located, fate: 'goes', why: `${address} is ${owner}` };
  if (service.isDeleting) return { located, fate: 'stays' };
  const outOfPool = outOfPoolOf(located, service, ground);
  const keepsForeign = isMarked(service) && ground.settings.allocation.outOfPool === 'Keep';
  if (outOfPool !== undefined && !keepsForeign)
    return { located, fate: 'goes', why: outOfPool.message };
  const rest = { located, ...(outOfPool === undefined ? {} : { outOfPool }) };
  if (request.failure !== undefined) return { ...rest, fate: 'stays' };
  const wanted = request.addresses.get(family) ?? address;
  const isWanted =
    wanted === address && (request.pools.length === 0 || request.pools.includes(nameOf(place)));
  return { ...rest, fate: isWanted ? 'stays' : 'moves' };
}

function outOfPoolOf(
  located: Located,
  service: BalancedService,
  { table, admission }: Ground,
): Holding['outOfPool'] {
  const { address, place } = located;
  const pool = place?.pool;
  if (pool === undefined) {
    const around = table.around(located);
    const why =
      around === undefined ? 'is in no pool any more' : `is left out of pool ${around.name}`;
    return { cause: 'AddressNotInPools', message: `${address} ${why}` };
  }
  const obstacle = admission.obstacle(pool, service);
  if (obstacle === undefined) return undefined;
  const message = `${address} is in pool ${pool.name}, which is not for this Service: ${obstacle}`;
  return { cause: 'PoolNotAllowed', message };
}

function nameOf(place: Located['place']): string {
  return place?.pool.name ?? '';
}
