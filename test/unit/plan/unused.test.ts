/** What bears a name of ours that nothing uses is removed, and nothing else is. */
import { expect, test } from '@jest/globals';
import { rulesPart } from '../../../src/dataplane/part.ts';
import { type ActualState, type DesiredState, emptyState } from '../../../src/dataplane/state.ts';
import type { Chains } from '../../../src/dataplane/tables.ts';
import { applyOperation, mutableState } from '../../../src/plan/applied.ts';
import { difference } from '../../../src/plan/difference.ts';
import { formatOperation, planToJson } from '../../../src/plan/format.ts';
import { orderPlan } from '../../../src/plan/order.ts';

const context = { isOwned: () => true, excludeCidrs: [] };
const raw: Chains = new Map([
  ['PREROUTING', ['-A PREROUTING -j KUBE-X', '-A PREROUTING -j KUBE-OTHER']],
  ['KUBE-X', ['-A KUBE-X -j RETURN']],
]);
const set = { name: 'KUBE-X', type: 'hash:ip', family: 'IPv4' } as const;

function kernelWith(iptables: Partial<ActualState['iptables']['IPv4']>): ActualState {
  const empty = emptyState();
  return {
    ...empty,
    hasDummyDevice: true,
    ipsets: new Map([['KUBE-X', { ...set, entries: new Set(['10.0.0.1']) }]]),
    iptables: { ...empty.iptables, IPv4: { ...empty.iptables.IPv4, ...iptables } },
  };
}

const desired: DesiredState = {
  ...emptyState(),
  unused: { sets: ['KUBE-X', 'KUBE-6-X'], chains: { raw: ['KUBE-X'], nat: ['KUBE-X'] } },
};

test('rules go before the sets that they refer to, and nothing goes that is not there', () => {
  const plan = orderPlan(difference(desired, kernelWith({ raw }), context));
  expect(plan.map(formatOperation)).toEqual(['- IPv4 raw: KUBE-X', '- KUBE-X hash:ip IPv4']);
  expect(planToJson(plan)).toEqual([
    { op: 'removeRules', family: 'IPv4', table: 'raw', chains: ['KUBE-X'] },
    { op: 'removeSet', ...set },
  ]);
});

test('what others have beside it stays, and a second look finds nothing to do', () => {
  const state = mutableState(kernelWith({ raw }));
  for (const operation of difference(desired, state, context)) applyOperation(state, operation);
  expect([...state.iptables.IPv4.raw!]).toEqual([['PREROUTING', ['-A PREROUTING -j KUBE-OTHER']]]);
  expect(state.ipsets.size).toBe(0);
  expect(difference(desired, state, context)).toEqual([]);
});

test('a jump alone is found, as after a chain that somebody has emptied and removed', () => {
  const nat: Chains = new Map([['OUTPUT', ['-A OUTPUT -g KUBE-X']]]);
  const state = mutableState({ ...kernelWith({ nat }), ipsets: new Map() });
  const [removal] = difference(desired, state, context);
  expect(formatOperation(removal!)).toBe('- IPv4 nat: KUBE-X');
  applyOperation(state, removal!);
  expect(state.iptables.IPv4.nat.size).toBe(0);
});

test('nothing is removed where the table could not be read, or where every name is in use', () => {
  const kernel = { ...kernelWith({}), ipsets: new Map() };
  const unknown = new Map([[rulesPart('IPv4', 'raw'), new Error('no lock')]]);
  expect(difference(desired, { ...kernel, unknown }, context)).toEqual([]);
  const { unused: _, ...all } = desired;
  expect(difference(all, kernelWith({ raw }), context)).toEqual([]);
});
