import { expect, test } from '@jest/globals';
import { keepingKnown, partsOf } from '../../../../src/agent/loop/knownParts.ts';
import { type ActualState, emptyState } from '../../../../src/dataplane/state.ts';
import {
  type Part,
  ADDRESSES_PART,
  SERVERS_PART,
  rulesPart,
  setPart,
  sysctlPart,
} from '../../../../src/dataplane/part.ts';
import { mutableState } from '../../../../src/plan/applied.ts';

/** A kernel that holds one thing of each kind, named by `mark`. */
function holding(mark: string, unknown: readonly Part[] = []): ActualState {
  const state = mutableState(emptyState());
  state.hasDummyDevice = true;
  state.addresses.add(mark);
  state.ipsets.set('A', { name: 'A', type: 'hash:ip', family: 'IPv4', entries: new Set([mark]) });
  state.ipsets.set('B', { name: 'B', type: 'hash:ip', family: 'IPv4', entries: new Set([mark]) });
  for (const family of ['IPv4', 'IPv6'] as const) {
    state.iptables[family].nat.set('KUBE-X', [mark]);
    state.iptables[family].filter.set('KUBE-X', [mark]);
  }
  state.sysctls.set('a', mark).set('b', mark);
  const reasons = new Map(unknown.map((part) => [part, new Error(`no ${part.text}`)]));
  return { ...state, foreignServers: [mark], unknown: reasons };
}

const marks = ({ addresses, foreignServers, ipsets, iptables, sysctls }: ActualState) => ({
  addresses: [...addresses],
  servers: foreignServers,
  sets: Array.from(ipsets.values(), ({ name, entries }) => `${name} ${[...entries].join()}`),
  rules: [iptables.IPv4.nat, iptables.IPv4.filter, iptables.IPv6.nat, iptables.IPv6.filter].map(
    (table) => table.get('KUBE-X')?.join(),
  ),
  sysctls: Array.from(sysctls, ([name, value]) => `${name} ${value}`).toSorted(),
});

test('a whole reading is taken as it is, and so is the first one', () => {
  const reading = holding('new');
  expect(keepingKnown(reading, holding('old'))).toBe(reading);
  const partial = holding('new', [ADDRESSES_PART]);
  expect(keepingKnown(partial, undefined)).toBe(partial);
});

test.each<[Part, Partial<ReturnType<typeof marks>>]>([
  [ADDRESSES_PART, { addresses: ['old'] }],
  [SERVERS_PART, { servers: ['old'] }],
  [setPart('B'), { sets: ['A new', 'B old'] }],
  [rulesPart('IPv4', 'nat'), { rules: ['old', 'new', 'new', 'new'] }],
  [rulesPart('IPv6', 'filter'), { rules: ['new', 'new', 'new', 'old'] }],
  [sysctlPart('b'), { sysctls: ['a new', 'b old'] }],
])('what could not be read of %s is as it was, the rest as read', (part, kept) => {
  const state = keepingKnown(holding('new', [part]), holding('old'));
  expect(marks(state)).toEqual({ ...marks(holding('new')), ...kept });
  expect([...state.unknown.keys()]).toEqual([]);
});

test('what was not known before either stays unknown', () => {
  const before = holding('old', [ADDRESSES_PART]);
  const state = keepingKnown(holding('new', [ADDRESSES_PART, setPart('A')]), before);
  expect([...state.unknown.keys()]).toEqual([ADDRESSES_PART]);
  expect(marks(state)).toMatchObject({ addresses: ['new'], sets: ['A old', 'B new'] });
});

test('the parts of a state are all that a reading can be without', () => {
  expect(partsOf(holding('x'))).toEqual([
    SERVERS_PART,
    ADDRESSES_PART,
    setPart('A'),
    setPart('B'),
    rulesPart('IPv4', 'nat'),
    rulesPart('IPv4', 'filter'),
    rulesPart('IPv6', 'nat'),
    rulesPart('IPv6', 'filter'),
    sysctlPart('a'),
    sysctlPart('b'),
  ]);
});
