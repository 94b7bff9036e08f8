/**
 * What people hear of the allocator: Events about Services, each once, pools that are running out,
 * and a line of the log for each status.
 */
import type { FeatureHost } from '../../feature/feature.ts';
import type { ServiceEvent } from '../../ops/conditionEvents.ts';
import type { ConditionReport } from '../../ops/conditions.ts';
import { FAMILIES } from '../../net/family.ts';
import type { Allocation, PoolUse } from '../allocation/allocate.ts';
import type { Decision } from '../allocation/decision.ts';
import { ToldOnce } from '../allocator/toldOnce.ts';
import { ALLOCATION_ACTION, type AllocationEvent, conflictEvent, eventsOf } from '../events.ts';
import type { ForeignOwners } from '../foreignOwners.ts';
import { ADDRESS_POOL_FULL } from './conditions.ts';

export interface AllocationTellerParts extends Pick<FeatureHost, 'conditions' | 'events' | 'log'> {
  readonly foreignOwners: ForeignOwners;
}

/** A smaller pool is full by intention. */
const SMALLEST_POOL = 10n;

export class AllocationTeller {
  readonly #parts: AllocationTellerParts;
  readonly #standing = new ToldOnce();
  readonly #full = new Set<string>();

  constructor(parts: AllocationTellerParts) {
    this.#parts = parts;
  }

  decided({ decisions, pools }: Allocation): void {
    const standing = [...decisions].flatMap(([key, decision]) => this.#standingOf(key, decision));
    for (const event of this.#standing.news(standing)) this.#record(event, { about: event.reason });
    this.#reviewPools(pools);
  }

  written(decision: Decision): void {
    const { service, state, message } = decision;
    const name = `${service.namespace}/${service.name}`;
    this.#parts.log.verbose(1, 'load balancer status written', { service: name, state, message });
    if (isStanding(decision)) return; // told when it was decided
    for (const event of eventsOf(decision, true)) this.#record(event, { uid: service.uid });
  }

  /** Another one tells now. */
  forget(): void {
    this.#standing.forget();
    this.#reviewPools([]);
  }

  #standingOf(key: string, decision: Decision): readonly AllocationEvent[] {
    const { foreignOwners } = this.#parts;
    const conflicts = decision.addresses.flatMap(({ address }) => {
      const owner = foreignOwners.all.get(address);
      return owner === undefined ? [] : [conflictEvent(key, address, owner.mac, owner)];
    });
    if (!isStanding(decision)) return conflicts;
    return [...eventsOf(decision, false), ...conflicts];
  }

  /** @param more `about` of what who tells after us tells too */
  #record(
    { service, type, reason, note }: AllocationEvent,
    more: Pick<ServiceEvent, 'uid' | 'about'>,
  ): void {
    const [namespace = '', name = ''] = service.split('/');
    this.#parts.events?.record({
      regarding: { kind: 'Service', namespace, name },
      type,
      reason,
      action: ALLOCATION_ACTION,
      note,
      ...more,
    });
  }

  #reviewPools(pools: readonly PoolUse[]): void {
    const full = new Map<string, ConditionReport>(pools.flatMap(fullFamilies));
    const { conditions } = this.#parts;
    for (const subject of this.#full) {
      if (full.has(subject)) continue;
      conditions.clear(ADDRESS_POOL_FULL, subject);
      this.#full.delete(subject);
    }
    for (const [subject, report] of full) {
      conditions.set(ADDRESS_POOL_FULL, subject, report);
      this.#full.add(subject);
    }
  }
}

/** Holds at each run, whether or not it is written. */
function isStanding({ warning }: Decision): boolean {
  return warning === 'AddressNotOurs';
}

/** By subject. A pool that gives nothing by itself is nobody's to run out of. */
function fullFamilies({ pool, families }: PoolUse) {
  if (!pool.autoAssign || pool.draining) return [];
  return FAMILIES.flatMap((family) => {
    const { total, used } = families[family];
    if (total < SMALLEST_POOL || BigInt(used) * 10n < total * 9n) return [];
    const isEmpty = BigInt(used) === total;
    const what = isEmpty ? 'has no free address' : `has ${total - BigInt(used)} free addresses`;
    const message = `pool ${pool.name} ${what} of ${family} left, of ${total}: add addresses to it, or a pool`;
    const reason = isEmpty ? 'empty' : 'nearly empty';
    return [[`${pool.name} ${family}`, { message, reason }] as const];
  });
}
