/** What is decided about one Service, and the words for it. */
import type { BalancedService } from '../../model/balancedService.ts';
import { type Address, familyOf } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { type NamedAddress, namingText } from '../condition.ts';
import { type Cause, type Failure, failure } from './cause.ts';
import { addressesInStatus } from './readLists.ts';
import type { Loss, Work } from './work.ts';

/**
 * - Assigned: all that is wanted
 * - Partial: one family of two, and both were preferred
 * - Kept: goes on with what it has, though it asks for something else or no pool gives it any more
 * - Pending: nothing yet
 * - Released: no Service of type LoadBalancer any more, or somebody else's by now
 * - Ignored: somebody else's
 */
export type State = 'Assigned' | 'Partial' | 'Kept' | 'Pending' | 'Released' | 'Ignored';

export type Warning = 'AddressPending' | 'AddressKept' | 'AddressOutOfPool' | 'AddressNotOurs';

export interface Decision {
  readonly service: BalancedService;
  readonly isOurs: boolean;
  readonly state: State;
  /** in order of families; of Services that are ours alone */
  readonly addresses: readonly NamedAddress[];
  /** absent where nothing is missing, or it is not known yet what is wanted */
  readonly cause?: Cause;
  readonly message: string;
  /** what is to be told as an Event when it comes about */
  readonly warning?: Warning;
  /** addresses of the status that it does not keep, by why */
  readonly losses: readonly Loss[];
  /** Leaves the object as it is. */
  readonly isUntouched: boolean;
}

/** Of a Service that is not ours, or whose families nobody knows yet. */
export function untouched(
  service: BalancedService,
  state: State,
  message: string,
  warning?: Warning,
): Decision {
  return {
    service,
    isOurs: state !== 'Ignored',
    state,
    addresses: [],
    message,
    ...(warning === undefined ? {} : { warning }),
    losses: [],
    isUntouched: true,
  };
}

export function released(service: BalancedService, given: readonly Address[]): Decision {
  const why = `type is ${service.type}`;
  return {
    service,
    isOurs: true,
    state: 'Released',
    addresses: [],
    message: `no addresses: ${why}`,
    losses: given.map((address) => ({ address, why })),
    isUntouched: false,
  };
}

/** Not ours, and it bears a condition of ours that is not true any more: that alone goes. */
export function letGo(service: BalancedService, message: string, warning?: Warning): Decision {
  return {
    service,
    isOurs: false,
    state: 'Released',
    addresses: [],
    message,
    ...(warning === undefined ? {} : { warning }),
    losses: [],
    isUntouched: false,
  };
}

export function decided(work: Work): Decision {
  const { service, families } = work.claimant;
  const addresses: NamedAddress[] = [];
  for (const family of families) {
    const located = work.placed.get(family);
    if (located === undefined) continue;
    const pool = work.outOfPool.has(family) ? undefined : located.place?.pool.name;
    addresses.push({ address: located.address, pool });
  }
  if (service.isDeleting) return leaving(work, addresses);
  const reason = reasonOf(work);
  const state = stateOf(work, reason);
  const decision = {
    service,
    isOurs: true,
    addresses,
    losses: lossesOf(work),
    state,
    message: messageOf(state, addresses, work.missing(), reason),
    isUntouched: false,
  };
  if (reason === undefined) return decision;
  const warning = warningOf(work, state);
  return { ...decision, cause: reason.cause, ...(warning === undefined ? {} : { warning }) };
}

/** It keeps what it has until it is gone, and gets nothing more. */
function leaving(work: Work, addresses: readonly NamedAddress[]): Decision {
  const { service } = work.claimant;
  const had = addressesInStatus(service);
  const has = new Set(addresses.map(({ address }) => address));
  const rest = work.missing().length === 0 ? 'Assigned' : 'Partial';
  return {
    service,
    isOurs: true,
    addresses,
    losses: lossesOf(work),
    state: has.size === 0 ? 'Pending' : rest,
    message: `${has.size === 0 ? 'no addresses' : namingText(addresses)}: the Service is being deleted`,
    isUntouched: had.every((address) => has.has(address)),
  };
}

/** What is wrong with the wish, with moving, with where it is, or what is missing: the first. */
function reasonOf(work: Work): Failure | undefined {
  const { claimant, unwanted, outOfPool, placed } = work;
  const { families, request } = claimant;
  if (request.failure !== undefined) return request.failure;
  const failed = families.flatMap((family) => {
    const why = work.failures.get(family);
    return why === undefined ? [] : [{ family, why }];
  });
  if (unwanted.size === 0 && outOfPool.size > 0) return outOfPool.values()[0];
  const [first] = failed;
  if (first === undefined) return undefined;
  const { family, why } = first;
  const isHalf = families.length > 1 && failed.length === 1 && !unwanted.has(family);
  const isPools = why.cause === 'PoolsExhausted' || why.cause === 'NoPoolForService';
  if (!isHalf || !isPools || placed.has(family)) return why;
  return failure('FamilyUnavailable', `${family} cannot be had: ${why.message}`);
}

function stateOf(work: Work, reason: Failure | undefined): State {
  const { placed, unwanted, outOfPool, claimant } = work;
  if (placed.size === 0) return 'Pending';
  if (claimant.request.failure !== undefined || unwanted.size > 0 || outOfPool.size > 0)
    return 'Kept';
  if (work.missing().length === 0 || reason === undefined) return 'Assigned';
  return claimant.needsAll ? 'Kept' : 'Partial';
}

function warningOf(work: Work, state: State): Warning | undefined {
  if (state === 'Pending') return 'AddressPending';
  if (state !== 'Kept') return undefined;
  const isElsewhere = work.unwanted.size > 0 || work.claimant.request.failure !== undefined;
  return !isElsewhere && work.outOfPool.size > 0 ? 'AddressOutOfPool' : 'AddressKept';
}

function messageOf(
  state: State,
  addresses: readonly NamedAddress[],
  missing: readonly Family[],
  reason: Failure | undefined,
): string {
  const why = reason?.message ?? '';
  if (state === 'Pending') return why;
  const has = namingText(addresses);
  if (state === 'Assigned') return has;
  return state === 'Kept' ? `${has}, kept: ${why}` : `${has}; ${missing.join()} is missing: ${why}`;
}

const NONE: readonly never[] = [];

function lossesOf({ claimant, placed, losses, holdings }: Work): readonly Loss[] {
  const { service, families, request } = claimant;
  if (service.ingress.length === 0) return NONE;
  const has = placed.values().map(({ address }) => address);
  const gone = addressesInStatus(service).filter((address) => !has.includes(address));
  if (gone.length === 0) return NONE;
  const known = new Map(losses.map(({ address, why }) => [address, why]));
  for (const { located, fate } of holdings) {
    const wanted = request.addresses.get(located.family) ?? `pool ${request.pools.join(' or ')}`;
    if (fate === 'moves') known.set(located.address, `the Service asks for ${wanted}`);
  }
  return gone.map((address) => {
    const isWanted = families.includes(familyOf(address));
    const surplus = isWanted ? 'one of each family is given' : `${familyOf(address)} is not wanted`;
    return { address, why: known.get(address) ?? surplus };
  });
}
