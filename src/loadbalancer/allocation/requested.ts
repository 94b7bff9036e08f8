/** Addresses that are asked for by name. Nothing is ever taken from anybody for it. */
import type { Address } from '../../net/address.ts';
import { formatRange } from '../../net/addressRange.ts';
import { unknownPool } from './admission.ts';
import { type Failure, failure } from './cause.ts';
import type { Claimant } from './claimant.ts';
import type { Ground } from './ground.ts';
import type { Located } from './poolTable.ts';

/** @returns why it cannot have it, or where it lies */
export function requested(ground: Ground, claimant: Claimant, address: Address): Located | Failure {
  const { table, admission, reservations, tenants } = ground;
  const { service, request, sharer } = claimant;
  const located = table.locate(address);
  const pool = located.place?.pool;
  if (pool === undefined) return notInPools(located, ground);
  const unknown = request.pools.find((name) => table.byName(name) === undefined);
  if (unknown !== undefined) return unknownPool(unknown, table.pools);
  const where = `${address} is in pool ${pool.name}`;
  if (request.pools.length > 0 && !request.pools.includes(pool.name))
    return failure('PoolMismatch', `${where}, asked for is ${request.pools.join(' or ')}`);
  const obstacle = admission.obstacle(pool, service);
  if (obstacle !== undefined)
    return failure('PoolNotAllowed', `${where}, which is not for this Service: ${obstacle}`);
  if (pool.draining)
    return failure('PoolNotAllowed', `${where}, which is draining: nothing new is given from it`);
  const owner = reservations.reservedFor(address);
  if (owner !== undefined) return failure('AddressReserved', `${address} is ${owner}`);
  const occupant = reservations.occupant(address);
  if (occupant !== undefined)
    return failure('AddressInUse', `${occupant} holds ${address}, and is somebody else's to serve`);
  return tenants.refusal(sharer, address) ?? located;
}

function notInPools(located: Located, { table }: Ground): Failure {
  const { address } = located;
  const around = table.around(located);
  if (around !== undefined) {
    const why = `pool ${around.name} leaves out what ends in .0 and .255 (skipZeroAnd255)`;
    return failure('AddressNotInPools', `${address}: ${why}`);
  }
  const nearest = table.nearest(located);
  const hint =
    nearest === undefined
      ? `no pool has ${located.family} addresses`
      : `the nearest is ${nearest.pool.name} (${formatRange(nearest.range)})`;
  return failure('AddressNotInPools', `${address} is in no pool, ${hint}`);
}
