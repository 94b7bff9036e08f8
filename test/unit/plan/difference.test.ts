import { describe, expect, test } from '@jest/globals';
import type {
  ActualState,
  DesiredState,
  Destination,
  IpSet,
  VirtualServer,
} from '../../../src/dataplane/state.ts';
import type { Chains } from '../../../src/dataplane/tables.ts';
import {
  type Part,
  ADDRESSES_PART,
  SERVERS_PART,
  rulesPart,
  setPart,
  sysctlPart,
} from '../../../src/dataplane/part.ts';
import { destinationKey, serverKey, emptyState } from '../../../src/dataplane/state.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import {
  difference,
  type DifferenceContext,
  type DifferenceScope,
} from '../../../src/plan/difference.ts';
import { formatOperation } from '../../../src/plan/format.ts';

const nobodys: DifferenceContext = { isOwned: () => false, excludeCidrs: [] };

function server(
  address: string,
  protocol: VirtualServer['protocol'] = 'TCP',
  destinations: readonly Destination[] = [],
  more: Partial<VirtualServer> = {},
): VirtualServer {
  return {
    address,
    port: 80,
    protocol,
    scheduler: 'rr',
    flags: [],
    destinations: new Map(destinations.map((each) => [destinationKey(each), each])),
    ...more,
  };
}

function destination(n: number, weight = 1): Destination {
  return { address: `10.244.0.${n}`, port: 8080, weight };
}

function state(parts: Partial<ActualState> & { servers?: VirtualServer[] }): ActualState {
  const { servers = [], ...rest } = parts;
  return {
    ...emptyState(),
    hasDummyDevice: true,
    virtualServers: new Map(servers.map((each) => [serverKey(each), each])),
    ...rest,
  };
}

function ofEachProtocol(destinations: readonly Destination[]): VirtualServer[] {
  return [
    server('10.0.0.1', 'TCP', destinations),
    server('10.0.0.2', 'SCTP', destinations),
    server('10.0.0.3', 'UDP', destinations),
  ];
}

function set(entries: string[], more: Partial<IpSet> = {}): IpSet {
  return {
    name: 'KUBE-CLUSTER-IP',
    type: 'hash:ip,port',
    family: 'IPv4',
    maxElements: 65_536,
    entries: new Set(entries),
    ...more,
  };
}

function holding(...sets: IpSet[]): ActualState {
  return state({ ipsets: new Map(sets.map((each) => [each.name, each])) });
}

function withNat(nat: Record<string, string[]>): ActualState {
  const chains: Chains = new Map(Object.entries(nat));
  const none = { nat: new Map(), filter: new Map() };
  return state({ iptables: { IPv4: { nat: chains, filter: new Map() }, IPv6: none } });
}

function texts(desired: DesiredState, actual: ActualState, context = nobodys): string[] {
  return difference(desired, actual, context).map(formatOperation);
}

describe('virtual servers', () => {
  test('another scheduler, flag or timeout is an update in place', () => {
    const persistent = { flags: ['persistent'], persistenceTimeoutSec: 10_800 } as const;
    const actual = state({ servers: [server('10.0.0.1', 'TCP', [], persistent)] });
    const longer = { ...persistent, persistenceTimeoutSec: 60 };
    const change = (more: Partial<VirtualServer>) =>
      texts(state({ servers: [server('10.0.0.1', 'TCP', [], more)] }), actual);
    expect(change(persistent)).toEqual([]);
    expect(change({})).toEqual(['~ 10.0.0.1:80/TCP rr']);
    expect(change(longer)).toEqual(['~ 10.0.0.1:80/TCP rr persistent 60s']);
    expect(change({ ...persistent, scheduler: 'sh' })).toEqual([
      '~ 10.0.0.1:80/TCP sh persistent 10800s',
    ]);
  });

  test('the name of the Service is our note and not a difference', () => {
    const desired = state({ servers: [server('10.0.0.1', 'TCP', [], { service: 'a/b' })] });
    expect(texts(desired, state({ servers: [server('10.0.0.1')] }))).toEqual([]);
  });

  test('a draining destination that returns gets its weight back in place', () => {
    const desired = state({ servers: [server('10.0.0.1', 'TCP', [destination(1)])] });
    const actual = state({ servers: [server('10.0.0.1', 'TCP', [destination(1, 0)])] });
    expect(texts(desired, actual)).toEqual(['~ 10.0.0.1:80/TCP -> 10.244.0.1:8080 weight 1']);
  });

  test('an undesired destination drains with TCP and SCTP and goes at once with UDP', () => {
    const actual = state({ servers: ofEachProtocol([destination(1)]) });
    expect(texts(state({ servers: ofEachProtocol([]) }), actual)).toEqual([
      '> 10.0.0.1:80/TCP -> 10.244.0.1:8080',
      '> 10.0.0.2:80/SCTP -> 10.244.0.1:8080',
      '- 10.0.0.3:80/UDP -> 10.244.0.1:8080',
    ]);
  });

  test('what drains already is left to drain, except with UDP', () => {
    const actual = state({ servers: ofEachProtocol([destination(1, 0)]) });
    expect(texts(state({ servers: ofEachProtocol([]) }), actual)).toEqual([
      '- 10.0.0.3:80/UDP -> 10.244.0.1:8080',
    ]);
  });

  test('with dh an undesired destination goes at once, for dh would go on choosing it', () => {
    const dh = { scheduler: 'dh' };
    const desired = state({ servers: [server('10.0.0.1', 'TCP', [], dh)] });
    for (const weight of [0, 1]) {
      const leaving = [destination(1, weight)];
      const actual = state({ servers: [server('10.0.0.1', 'TCP', leaving, dh)] });
      expect(texts(desired, actual)).toEqual(['- 10.0.0.1:80/TCP -> 10.244.0.1:8080']);
    }
  });

  test('a server that kube-proxy left without the fallback flag gets it in place', () => {
    const flagged = { scheduler: 'mh', flags: ['mh-fallback', 'mh-port'] } as const;
    const desired = state({ servers: [server('10.0.0.1', 'TCP', [destination(1)], flagged)] });
    const left = { scheduler: 'mh', flags: ['mh-port'] } as const;
    const actual = state({ servers: [server('10.0.0.1', 'TCP', [destination(1)], left)] });
    expect(texts(desired, actual)).toEqual(['~ 10.0.0.1:80/TCP mh mh-fallback mh-port']);
  });

  test('only servers on addresses of the dummy device, or known as ours, are removed', () => {
    const servers = [server('10.0.0.1'), server('192.0.2.1'), server('192.0.2.9')];
    const actual = state({ servers, addresses: new Set(['10.0.0.1']) });
    const desired = state({ addresses: new Set(['10.0.0.1']) });
    expect(texts(desired, actual)).toEqual(['- 10.0.0.1:80/TCP']);
    const known: DifferenceContext = {
      ...nobodys,
      isOwned: (each) => each.address === '192.0.2.1',
    };
    expect(texts(desired, actual, known)).toEqual(['- 10.0.0.1:80/TCP', '- 192.0.2.1:80/TCP']);
  });

  test('nothing is removed inside excludeCIDRs, not even what is ours', () => {
    const actual = state({ servers: [server('10.0.0.1')], addresses: new Set(['10.0.0.1']) });
    const context = { isOwned: () => true, excludeCidrs: [parsePrefix('10.0.0.0/24')!] };
    expect(texts(state({}), actual, context)).toEqual(['- 10.0.0.1']);
  });
});

describe('sets', () => {
  test('a missing set is created and filled', () => {
    expect(texts(holding(set(['10.0.0.1,tcp:80'])), holding())).toEqual([
      '+ KUBE-CLUSTER-IP hash:ip,port IPv4',
      '+ KUBE-CLUSTER-IP 10.0.0.1,tcp:80',
    ]);
  });

  test('entries come and go one by one', () => {
    expect(texts(holding(set(['a', 'b'])), holding(set(['b', 'c'])))).toEqual([
      '+ KUBE-CLUSTER-IP a',
      '- KUBE-CLUSTER-IP c',
    ]);
  });

  test('a larger set than wanted is kept, a smaller one replaced with its old entries still in it', () => {
    expect(texts(holding(set(['a'])), holding(set(['a'], { maxElements: 1e6 })))).toEqual([]);
    const operations = difference(
      holding(set(['a'])),
      holding(set(['b'], { maxElements: 9 })),
      nobodys,
    );
    expect(operations[0]).toMatchObject({ op: 'replaceSet', entries: ['a', 'b'] });
    expect(operations.slice(1).map(formatOperation)).toEqual(['- KUBE-CLUSTER-IP b']);
  });

  test('the replacement has room for old and new entries together', () => {
    const desired = holding(set(['a', 'b'], { maxElements: 2 }));
    const [first] = difference(desired, holding(set(['c'], { maxElements: 1 })), nobodys);
    expect(first).toMatchObject({ op: 'replaceSet', set: { maxElements: 3 } });
  });

  test('a set of another type or family is replaced with the desired entries alone', () => {
    for (const wrong of [{ type: 'hash:ip' }, { family: 'IPv6' }] as const) {
      const operations = difference(holding(set(['a'])), holding(set(['b'], wrong)), nobodys);
      expect(operations).toMatchObject([{ op: 'replaceSet', entries: ['a'] }]);
    }
  });

  test('sets that are not desired are left', () => {
    expect(texts(holding(), holding(set(['a'])))).toEqual([]);
  });
});

describe('rules', () => {
  const desired = withNat({
    'KUBE-A': ['-A KUBE-A -j X', '-A KUBE-A -j Y'],
    INPUT: ['one', 'two'],
  });
  const written = ['~ IPv4 nat: KUBE-A INPUT'];

  test('the same rules need nothing, whatever stands beside our jumps and in which order', () => {
    const actual = withNat({
      'KUBE-A': ['-A KUBE-A -j X', '-A KUBE-A -j Y'],
      'KUBE-OTHER': ['-A KUBE-OTHER -j Z'],
      INPUT: ['two', 'three', 'one'],
    });
    expect(texts(desired, actual)).toEqual([]);
  });

  test('a missing chain, rule or jump, another order or one rule too many: the table is written', () => {
    const INPUT = ['one', 'two'];
    const both = ['-A KUBE-A -j X', '-A KUBE-A -j Y'];
    for (const actual of [
      { INPUT },
      { INPUT, 'KUBE-A': both.slice(1) },
      { INPUT, 'KUBE-A': both.toReversed() },
      { INPUT, 'KUBE-A': [...both, '-A KUBE-A -j Z'] },
      { INPUT: ['one'], 'KUBE-A': both },
      { 'KUBE-A': both },
    ])
      expect(texts(desired, withNat(actual))).toEqual(written);
  });
});

test('sysctls, device and addresses', () => {
  const desired = state({
    addresses: new Set(['10.0.0.1', '10.0.0.2']),
    sysctls: new Map([
      ['net/ipv4/ip_forward', '1'],
      ['net/ipv4/vs/conntrack', '1'],
    ]),
  });
  const actual = state({
    hasDummyDevice: false,
    addresses: new Set(['10.0.0.2', '10.0.0.3']),
    sysctls: new Map([['net/ipv4/ip_forward', '1']]),
  });
  expect(texts(desired, actual)).toEqual([
    '~ net/ipv4/vs/conntrack = 1',
    '+ kube-ipvs0',
    '+ 10.0.0.1',
    '- 10.0.0.3',
  ]);
});

test('a scope hides every difference outside of it', () => {
  const desired = state({
    servers: [server('10.0.0.1'), server('10.0.0.2')],
    addresses: new Set(['10.0.0.1', '10.0.0.2']),
    sysctls: new Map([['net/ipv4/ip_forward', '1']]),
  });
  const scope = {
    servers: new Set(['10.0.0.2:80/TCP']),
    addresses: new Set(['10.0.0.2']),
    entries: new Map(),
  };
  const operations = difference(desired, state({}), { ...nobodys, scope });
  expect(operations.map(formatOperation)).toEqual(['+ 10.0.0.2:80/TCP rr', '+ 10.0.0.2']);
});

describe('what is unknown', () => {
  const desired = {
    ...state({
      servers: [server('10.0.0.1', 'TCP', [destination(1)])],
      ipsets: holding(set(['10.0.0.1,tcp:80'])).ipsets,
      addresses: new Set(['10.0.0.1']),
      sysctls: new Map([['net/ipv4/vs/conntrack', '1']]),
    }),
    iptables: withNat({ 'KUBE-A': ['-A KUBE-A -j RETURN'] }).iptables,
  };
  const parts = [
    SERVERS_PART,
    ADDRESSES_PART,
    setPart('KUBE-CLUSTER-IP'),
    rulesPart('IPv4', 'nat'),
    sysctlPart('net/ipv4/vs/conntrack'),
  ] as const;
  const without = (...unknown: Part[]) => ({
    ...emptyState(),
    unknown: new Map(unknown.map((part) => [part, new Error('no')])),
  });

  test.each([
    [SERVERS_PART, /^[+~>] 10\.0\.0\.1:80/],
    [ADDRESSES_PART, /kube-ipvs0|^\+ 10\.0\.0\.1$/],
    [setPart('KUBE-CLUSTER-IP'), /KUBE-CLUSTER-IP/],
    [rulesPart('IPv4', 'nat'), /IPv4 nat/],
    [sysctlPart('net/ipv4/vs/conntrack'), /conntrack/],
  ] as const)('%s: is not written, all else is', (part, pattern) => {
    const all = texts(desired, emptyState());
    const rest = texts(desired, without(part));
    expect(all.filter((text) => pattern.test(text)).length).toBeGreaterThan(0);
    expect(rest).toEqual(all.filter((text) => !pattern.test(text)));
  });

  test('nothing of it is removed either', () => {
    const touched = {
      servers: new Set(['10.0.0.1:80/TCP']),
      addresses: new Set(['10.0.0.1']),
      entries: new Map([['KUBE-CLUSTER-IP', new Set(['10.0.0.1,tcp:80'])]]),
    };
    const context = { ...nobodys, isOwned: () => true };
    const nothing = { ...desired, ipsets: holding(set([])).ipsets, addresses: new Set<string>() };
    const known = { ...desired, unknown: without(...parts).unknown };
    expect(texts({ ...nothing, virtualServers: new Map() }, known, context)).toEqual([]);
    const scoped = { ...context, scope: touched };
    expect(texts({ ...nothing, virtualServers: new Map() }, known, scoped)).toEqual([]);
  });
});

test('with a scope what depends on no key is compared when asked for, and a named set whole', () => {
  const keys = { servers: new Set<string>(), addresses: new Set<string>(), entries: new Map() };
  const desired = {
    ...holding(set(['10.0.0.1,tcp:80'])),
    iptables: withNat({ 'KUBE-A': ['-A KUBE-A -j RETURN'] }).iptables,
  };
  const scoped = (more: Partial<DifferenceScope>) =>
    difference(desired, emptyState(), { ...nobodys, scope: { ...keys, ...more } }).map(
      ({ op }) => op,
    );
  expect(scoped({})).toEqual([]);
  expect(scoped({ isFixedIncluded: true })).toEqual(['createDummyDevice', 'writeRules']);
  expect(scoped({ sets: new Set(['KUBE-CLUSTER-IP']) })).toEqual(['createSet', 'addEntry']);
});

test('of a set that is named whole every entry is compared, of another only those that are named', () => {
  const desired = holding(set(['10.0.0.1,tcp:80', '10.0.0.2,tcp:80']));
  const actual = holding(set(['10.0.0.3,tcp:80']));
  const entries = new Map([['KUBE-CLUSTER-IP', new Set(['10.0.0.1,tcp:80'])]]);
  const keys = { servers: new Set<string>(), addresses: new Set<string>(), entries };
  const scoped = (more: Partial<DifferenceScope>) =>
    texts(desired, actual, { ...nobodys, scope: { ...keys, ...more } });
  const named = '+ KUBE-CLUSTER-IP 10.0.0.1,tcp:80';
  expect(scoped({})).toEqual([named]);
  const whole = { sets: new Set(['KUBE-CLUSTER-IP']) };
  const all = [named, '+ KUBE-CLUSTER-IP 10.0.0.2,tcp:80', '- KUBE-CLUSTER-IP 10.0.0.3,tcp:80'];
  expect(scoped(whole)).toEqual(all);
  expect(scoped({ ...whole, entries: new Map() })).toEqual(all);
});

test("where somebody else's server stands nothing is written but one addition, which the kernel layer refuses", () => {
  const wanted = server('10.0.0.1', 'TCP', [destination(1)]);
  const foreign = { foreignServers: ['10.0.0.1:80/TCP', 'fwmark:7/IPv4', '10.0.0.2:80/TCP'] };
  const operations = difference(state({ servers: [wanted] }), state(foreign), nobodys);
  expect(operations.map(formatOperation)).toHaveLength(1);
  expect(operations[0]).toMatchObject({ op: 'addServer', server: { address: '10.0.0.1' } });
});

test('an arp_ignore of 2, which is 1 and stricter, is left as it is; 0 and 8 are not', () => {
  const name = 'net/ipv4/conf/all/arp_ignore';
  const sysctls = new Map([[name, '1']]);
  const found = (value: string) =>
    difference(
      { ...emptyState(), sysctls },
      { ...emptyState(), hasDummyDevice: true, sysctls: new Map([[name, value]]) },
      nobodys,
    );
  expect([found('1'), found('2')]).toEqual([[], []]);
  for (const value of ['0', '8'])
    expect(found(value)).toEqual([{ op: 'setSysctl', name, value: '1' }]);
});
