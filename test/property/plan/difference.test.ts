import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { ActualState, DesiredState, IpSet } from '../../../src/dataplane/state.ts';
import { serverKey, emptyState } from '../../../src/dataplane/state.ts';
import { mutableState } from '../../../src/plan/applied.ts';
import { difference, type DifferenceContext } from '../../../src/plan/difference.ts';
import type { Operation } from '../../../src/dataplane/operations.ts';
import { orderPlan } from '../../../src/plan/order.ts';
import { FakeKernel } from '../../support/kernel/fakeKernel.ts';
import {
  actualOf,
  desiredState,
  entryOf,
  NODE_ADDRESS,
  touchedBetween,
  withoutNames,
} from './arbitraries.ts';

const context: DifferenceContext = { isOwned: () => true, excludeCidrs: [] };

const start: fc.Arbitrary<ActualState> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(emptyState()) },
  { weight: 4, arbitrary: desiredState.map(actualOf) },
);

/** A set under one of our names may be another's, or made for fewer entries. */
const setFault: fc.Arbitrary<Partial<IpSet>> = fc.constantFrom(
  { type: 'hash:net', entries: new Set(['192.0.2.0/24']) } as const,
  { family: 'IPv6', entries: new Set() } as const,
  { family: 'IPv4', entries: new Set() } as const,
  { maxElements: 1 },
);

function withOddSet([desired, nth, fault]: [DesiredState, number, Partial<IpSet>]): ActualState {
  const sets = [...desired.ipsets.values()];
  const set = sets[nth % sets.length]!;
  // A bitmap holds all ports there are.
  const odd =
    set.maxElements === undefined ? { ...set, type: 'hash:ip' as const } : { ...set, ...fault };
  return { ...actualOf(desired), ipsets: new Map(desired.ipsets).set(odd.name, odd) };
}

const oddStart: fc.Arbitrary<ActualState> = fc.oneof(
  start,
  fc.tuple(desiredState, fc.nat(), setFault).map(withOddSet),
);

function planFor(desired: DesiredState, actual: ActualState): Operation[] {
  return orderPlan(difference(desired, actual, context));
}

/**
 * The state without draining destinations, which are allowed to stay, and without our notes on
 * servers.
 */
function settled(state: ActualState, desired: DesiredState): ActualState {
  const copy = mutableState({ ...state, virtualServers: withoutNames(state) });
  for (const [key, server] of copy.virtualServers) {
    const wanted = desired.virtualServers.get(key)?.destinations;
    for (const [destination, { weight }] of server.destinations) {
      if (weight === 0 && !wanted?.has(destination)) server.destinations.delete(destination);
    }
  }
  return copy;
}

test('a kernel that holds the desired state needs nothing', () => {
  fc.assert(
    fc.property(desiredState, (desired) => {
      expect(difference(desired, actualOf(desired), context)).toEqual([]);
    }),
  );
});

test('applying a plan gives the desired state, plus what drains, and nothing fails', async () => {
  await fc.assert(
    fc.asyncProperty(desiredState, oddStart, fc.boolean(), async (desired, actual, isBusy) => {
      const kernel = busyKernel(actual, isBusy);
      const report = await kernel.apply(planFor(desired, actual));
      expect(report.failed).toEqual([]);
      expect(settled(kernel.state, desired)).toEqual(actualOf(desired));
      expect(difference(desired, kernel.state, context)).toEqual([]);
    }),
  );
});

test('applying a plan twice changes nothing the second time', async () => {
  await fc.assert(
    fc.asyncProperty(desiredState, oddStart, async (desired, actual) => {
      const kernel = new FakeKernel(actual);
      // drains aside: a destination that was drained and removed is not there to be drained again
      const plan = planFor(desired, actual).filter(({ op }) => op !== 'drainDestination');
      await kernel.apply(plan);
      const once = mutableState(kernel.state);
      const again = await kernel.apply(plan);
      expect(again.failed.filter(({ operation }) => operation.op !== 'removeEntry')).toEqual([]);
      expect(kernel.state).toEqual(once);
    }),
  );
});

test('a difference over the touched keys is the whole difference', () => {
  fc.assert(
    fc.property(desiredState, desiredState, (before, after) => {
      const actual = actualOf(before);
      const scope = touchedBetween(before, after);
      const scoped = difference(after, actual, { ...context, scope });
      expect(texts(scoped)).toEqual(texts(difference(after, actual, context)));
    }),
  );
});

test('an operation that fails costs only itself: the next round repairs it', async () => {
  await fc.assert(
    fc.asyncProperty(desiredState, oddStart, fc.nat(60), async (desired, actual, nth) => {
      const kernel = new FakeKernel(actual);
      kernel.failOperation(nth + 1);
      await kernel.apply(planFor(desired, actual));
      kernel.failureRule = undefined;
      await kernel.apply(planFor(desired, kernel.state));
      expect(settled(kernel.state, desired)).toEqual(actualOf(desired));
    }),
  );
});

test('after any prefix of a plan no address is bound whose rules or entries are missing', async () => {
  await fc.assert(
    fc.asyncProperty(desiredState, start, async (desired, actual) => {
      const kernel = new FakeKernel(actual);
      for (const operation of planFor(desired, actual)) {
        await kernel.apply([operation]);
        expect(unprotected(kernel.state)).toEqual([]);
      }
    }),
  );
});

test('an address is bound only when all its virtual servers are complete', async () => {
  await fc.assert(
    fc.asyncProperty(desiredState, async (desired) => {
      const kernel = new FakeKernel();
      for (const operation of planFor(desired, emptyState())) {
        await kernel.apply([operation]);
        if (operation.op !== 'bindAddress') continue;
        for (const [key, server] of desired.virtualServers) {
          if (server.address !== operation.address) continue;
          expect(kernel.state.virtualServers.get(key)).toEqual(server);
        }
      }
    }),
  );
});

test('virtual servers that are not ours are never part of a plan', () => {
  fc.assert(
    fc.property(desiredState, start, (desired, actual) => {
      const plan = difference(desired, actual, { isOwned: () => false, excludeCidrs: [] });
      for (const operation of plan) {
        if (operation.op !== 'removeServer') continue;
        expect(actual.addresses.has(operation.server.address)).toBe(true);
        expect(operation.server.address).not.toBe(NODE_ADDRESS);
      }
    }),
  );
});

function busyKernel(actual: ActualState, isBusy: boolean): FakeKernel {
  const kernel = new FakeKernel(actual);
  if (!isBusy) return kernel;
  for (const [key, server] of actual.virtualServers) {
    for (const destination of server.destinations.keys())
      kernel.setConnections(key, destination, 1);
  }
  return kernel;
}

/** Bound addresses that a packet could reach before the rules and sets know them. */
function unprotected(state: ActualState): string[] {
  return [...state.addresses].filter((address) => {
    const isV6 = address.includes(':');
    const prefix = isV6 ? 'KUBE-6-' : 'KUBE-';
    const entries = state.ipsets.get(`${prefix}CLUSTER-IP`)?.entries;
    const servers = [...state.virtualServers.values()].filter((each) => each.address === address);
    const { nat, filter } = state.iptables[isV6 ? 'IPv6' : 'IPv4'];
    const hasRules = nat.has('KUBE-SERVICES') && filter.has('KUBE-IPVS-FILTER');
    const isListed = state.ipsets.get(`${prefix}IPVS-IPS`)?.entries.has(address) ?? false;
    return !hasRules || !isListed || !servers.every((server) => entries?.has(entryOf(server)));
  });
}

function texts(operations: readonly Operation[]): string[] {
  return operations
    .map((operation) => {
      const key = 'server' in operation ? serverKey(operation.server) : '';
      return `${operation.op} ${key} ${JSON.stringify(operation)}`;
    })
    .toSorted();
}
