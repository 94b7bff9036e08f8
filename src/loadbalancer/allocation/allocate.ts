/**
 * Which Service has which load balancer addresses: a pure function of objects and configuration.
 * The same input gives the same output, and what is in the statuses stays where it may, so that a
 * restart changes nothing and two that decide at once come to one result.
 *
 * Read on in steps.ts; what becomes of a decision is in ../status.ts and ../events.ts.
 */
import type { Pool } from '../../config/loadBalancer/settings.ts';
import type { BalancedService } from '../../model/balancedService.ts';
import type { Address } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { isMarked, isStale, ourCondition } from '../condition.ts';
import { classObstacle } from '../ourClass.ts';
import { type Claiming, claimantOf, compareAge, keyOf } from './claimant.ts';
import { type Decision, decided, letGo, released, untouched, type Warning } from './decision.ts';
import { type AllocationInput, Ground } from './ground.ts';
import { holdingsOf } from './holding.ts';
import { addressesInStatus } from './readLists.ts';
import { allocateAll } from './steps.ts';
import { Work } from './work.ts';

export interface Allocation {
  /**
   * By `ns/name`, in that order: of every Service of type LoadBalancer, and of those that were one
   * and still bear our traces
   */
  readonly decisions: ReadonlyMap<string, Decision>;
  readonly pools: readonly PoolUse[];
}

export interface PoolUse {
  readonly pool: Pool;
  readonly families: Readonly<Record<Family, { readonly total: bigint; readonly used: number }>>;
}

export function allocate(input: AllocationInput): Allocation {
  const ground = new Ground(input);
  const decisions = new Map<string, Decision>();
  const claiming: Claiming[] = [];
  for (const service of input.services) {
    const key = keyOf(service);
    ground.reservations.reserve(key, service);
    const decision = withoutClaim(service, ground);
    if (decision === 'claims') claiming.push({ key, service });
    else if (decision !== undefined) decisions.set(key, decision);
    const hasOthersAddresses = decision !== 'claims' && service.type === 'LoadBalancer';
    if (hasOthersAddresses) ground.reservations.occupy(key, service);
  }
  // Held addresses are judged when all that is reserved is known.
  const works = claiming.sort(compareAge).map(({ key, service }) => {
    const claimant = claimantOf(key, service);
    return new Work(claimant, holdingsOf(claimant, ground), ground);
  });
  allocateAll(ground, works);
  for (const work of works) decisions.set(work.claimant.key, decided(work));
  const keys = [...decisions.keys()].sort();
  return {
    decisions: new Map(keys.map((key) => [key, decisions.get(key)!])),
    pools: usesOf(ground),
  };
}

/** @returns undefined: nothing at all is decided about it */
function withoutClaim(service: BalancedService, ground: Ground): Decision | 'claims' | undefined {
  const { type, loadBalancerClass, families } = service;
  const { settings } = ground;
  if (type !== 'LoadBalancer') return releasedIfOurs(service, ground);
  const obstacle = classObstacle(service, settings);
  if (obstacle !== undefined) return ignored(service, obstacle);
  if (loadBalancerClass === undefined && isSomebodyElses(service, ground))
    return ignored(
      service,
      'its status was written by somebody else: no address of it is in a pool',
      'AddressNotOurs',
    );
  if (families.length === 0)
    return untouched(service, 'Pending', 'its IP families are not known yet');
  return 'claims';
}

/** Once a condition of ours that others have made untrue is gone. */
function ignored(service: BalancedService, message: string, warning?: Warning): Decision {
  if (isStale(service)) return letGo(service, message, warning);
  return untouched(service, 'Ignored', message, warning);
}

function isSomebodyElses(service: BalancedService, ground: Ground): boolean {
  if (service.ingress.length === 0 || isMarked(service)) return false;
  return !addressesInStatus(service).some((address) => isInPool(address, ground));
}

function releasedIfOurs(service: BalancedService, ground: Ground): Decision | undefined {
  const hasCondition = ourCondition(service.conditions) !== undefined;
  const had = addressesInStatus(service);
  const ours = hasCondition ? had : had.filter((address) => isInPool(address, ground));
  return hasCondition || ours.length > 0 ? released(service, ours) : undefined;
}

function isInPool(address: Address, { table }: Ground): boolean {
  return table.locate(address).place !== undefined;
}

function usesOf({ table }: Ground): readonly PoolUse[] {
  const useOf = (pool: Pool, family: Family) => ({
    total: table.size(pool, family),
    used: table.used(pool, family),
  });
  return table.pools.map((pool) => ({
    pool,
    families: { IPv4: useOf(pool, 'IPv4'), IPv6: useOf(pool, 'IPv6') },
  }));
}
