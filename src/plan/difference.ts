/**
 * The difference between the dataplane that should be and the one that is, as operations. Decides
 * what has to change and what may be removed, and leaves alone what is unknown; leaves the sequence
 * to order.ts and the end of a drain to drain.ts. With a scope it looks at the touched keys only
 * and costs what changed; both ways go through the same functions for one key.
 */
import type { ActualState, DesiredState } from '../dataplane/state.ts';
import { type Chains, tablesIn } from '../dataplane/tables.ts';
import { ADDRESSES_PART, rulesPart, SERVERS_PART, setPart, sysctlPart } from '../dataplane/part.ts';
import type { VirtualServer } from '../dataplane/state.ts';
import type { Touched } from '../dataplane/touched.ts';
import { FAMILIES } from '../net/family.ts';
import { type Prefix, prefixContains } from '../net/prefix.ts';
import type { Operation } from '../dataplane/operations.ts';
import { either, inSlices, NOTHING } from './slices.ts';
import { hasDesiredRules, isPresent } from './ruleDifference.ts';
import { foreignDifference, serverDifference } from './serverDifference.ts';
import { setDifference, setSpecOf } from './setDifference.ts';

/** Keys to be compared, and what else. */
export interface DifferenceScope extends Touched {
  /** also what depends on no key: sysctls, the device, rules */
  readonly isFixedIncluded?: boolean;
  /** names of sets to be compared whole */
  readonly sets?: ReadonlySet<string>;
}

export interface DifferenceContext {
  /**
   * Whether an undesired virtual server that is not on an address of the dummy device is known to
   * be ours: a NodePort that we programmed, or one in the ledger. Never asked inside
   * `excludeCidrs`.
   */
  readonly isOwned: (server: VirtualServer) => boolean;
  /** undesired virtual servers on these addresses stay, whoever made them */
  readonly excludeCidrs: readonly Prefix[];
  /** keys that may differ; absent: everything is compared, also what does not depend on Services */
  readonly scope?: DifferenceScope;
}

const NO_CHAINS: Chains = new Map();

/** @returns grouped by domain, in no order that could be applied: {@link orderPlan} makes that */
export function difference(
  desired: DesiredState,
  actual: ActualState,
  context: DifferenceContext,
): Operation[] {
  return [...slicesOfDifference(desired, actual, context)].flat();
}

/**
 * The same, some keys at a time, for whoever has other things to do as well. Between two slices
 * both states may change: each key is compared as it is then, and one that comes meanwhile perhaps
 * not at all. So slices that were not taken at once tell which keys to compare again, and no more.
 */
export function* slicesOfDifference(
  desired: DesiredState,
  actual: ActualState,
  context: DifferenceContext,
): Generator<readonly Operation[], void> {
  const { unknown } = actual;
  const isOwnerUnknown = unknown.has(SERVERS_PART) || unknown.has(ADDRESSES_PART);
  for (const slice of slices(desired, actual, context))
    yield isOwnerUnknown ? slice.filter(leavesTraces) : slice;
}

function* slices(
  desired: DesiredState,
  actual: ActualState,
  context: DifferenceContext,
): Generator<readonly Operation[], void> {
  const { scope } = context;
  if (scope === undefined || scope.isFixedIncluded === true) yield fixedDifference(desired, actual);
  yield* setDifferences(desired, actual, scope);
  yield* serverDifferences(desired, actual, context);
  yield* addressDifferences(desired, actual, scope);
}

/**
 * Addresses and entries tell whose a virtual server is: they stay until the servers and the
 * addresses have been read, or those of a Service that is deleted meanwhile would be taken for
 * somebody else's.
 */
function leavesTraces({ op }: Operation): boolean {
  return op !== 'unbindAddress' && op !== 'removeEntry';
}

/**
 * Values that somebody else may have chosen and that do as well. arp_ignore 2 is 1 with a condition
 * more: the address must also be of the asker's subnet. Of the dummy device's none is answered for.
 */
const STRICTER: ReadonlyMap<string, string> = new Map([['net/ipv4/conf/all/arp_ignore', '2']]);

function serves(name: string, wanted: string, found: string | undefined): boolean {
  return found !== undefined && (found === wanted || found === STRICTER.get(name));
}

/** What depends on the configuration and not on Services: sysctls, the device, rules. */
function fixedDifference(desired: DesiredState, actual: ActualState): Operation[] {
  const operations: Operation[] = [];
  const { unknown } = actual;
  for (const [name, value] of desired.sysctls) {
    if (unknown.has(sysctlPart(name)) || serves(name, value, actual.sysctls.get(name))) continue;
    operations.push({ op: 'setSysctl', name, value });
  }
  if (!unknown.has(ADDRESSES_PART) && !actual.hasDummyDevice)
    operations.push({ op: 'createDummyDevice' });
  for (const family of FAMILIES) {
    for (const [table, chains] of tablesIn(desired.iptables[family])) {
      if (unknown.has(rulesPart(family, table))) continue;
      if (!hasDesiredRules(chains, actual.iptables[family][table] ?? NO_CHAINS))
        operations.push({ op: 'writeRules', family, table, chains });
    }
  }
  return [...operations, ...unusedDifference(desired, actual)];
}

/**
 * What bears a name of ours that nothing uses: a feature that is off has left it. Rules before the
 * sets that they refer to.
 */
function unusedDifference({ unused }: DesiredState, actual: ActualState): Operation[] {
  if (unused === undefined) return [];
  const operations: Operation[] = [];
  for (const family of FAMILIES) {
    for (const [table, chains] of tablesIn(actual.iptables[family])) {
      const found = (unused.chains[table] ?? []).filter((name) => isPresent(name, chains));
      if (found.length > 0) operations.push({ op: 'removeRules', family, table, chains: found });
    }
  }
  for (const name of unused.sets) {
    const set = actual.ipsets.get(name);
    if (set !== undefined) operations.push({ op: 'removeSet', set: setSpecOf(set) });
  }
  return operations;
}

/** Sets that are not desired stay: they may be referred to by rules that are not ours. */
function* setDifferences(
  desired: DesiredState,
  actual: ActualState,
  scope: DifferenceScope | undefined,
): Generator<readonly Operation[], void> {
  const names =
    scope === undefined
      ? desired.ipsets.keys()
      : new Set([...(scope.sets ?? []), ...scope.entries.keys()]);
  for (const name of names) {
    const wanted = desired.ipsets.get(name);
    if (wanted === undefined || actual.unknown.has(setPart(name))) continue;
    const only = scope?.sets?.has(name) === true ? undefined : scope?.entries.get(name);
    yield* setDifference(wanted, actual.ipsets.get(name), only);
  }
}

function* serverDifferences(
  desired: DesiredState,
  actual: ActualState,
  { isOwned, excludeCidrs, scope }: DifferenceContext,
): Generator<readonly Operation[], void> {
  if (actual.unknown.has(SERVERS_PART)) return;
  const isRemovable = (server: VirtualServer) =>
    !excludeCidrs.some((prefix) => prefixContains(prefix, server.address)) &&
    (actual.addresses.has(server.address) || isOwned(server));
  const { virtualServers } = desired;
  const foreign = new Set(actual.foreignServers);
  yield* inSlices(scope?.servers ?? either(virtualServers, actual.virtualServers), (key) => {
    const wanted = virtualServers.get(key);
    if (foreign.has(key)) return foreignDifference(wanted);
    return serverDifference(wanted, actual.virtualServers.get(key), isRemovable);
  });
}

function* addressDifferences(
  desired: DesiredState,
  actual: ActualState,
  scope: Touched | undefined,
): Generator<readonly Operation[], void> {
  if (actual.unknown.has(ADDRESSES_PART)) return;
  const { addresses } = desired;
  yield* inSlices(scope?.addresses ?? either(addresses, actual.addresses), (address) => {
    const isWanted = addresses.has(address);
    if (isWanted === actual.addresses.has(address)) return NOTHING;
    return [{ op: isWanted ? 'bindAddress' : 'unbindAddress', address }];
  });
}
