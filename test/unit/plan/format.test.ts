import { expect, test } from '@jest/globals';
import type { DesiredState } from '../../../src/dataplane/state.ts';
import { difference } from '../../../src/plan/difference.ts';
import { formatPlan, planSummary, planToJson, stateToJson } from '../../../src/plan/format.ts';
import { orderPlan } from '../../../src/plan/order.ts';
import { emptyState } from '../../../src/dataplane/state.ts';
import { stateFromJson } from '../../../src/plan/stateFromJson.ts';

const desired: DesiredState = {
  virtualServers: new Map([
    [
      '[fd00::1]:53/UDP',
      {
        address: 'fd00::1',
        port: 53,
        protocol: 'UDP',
        scheduler: 'rr',
        flags: [],
        service: 'kube-system/kube-dns:dns',
        destinations: new Map(),
      },
    ],
    [
      '10.96.0.1:443/TCP',
      {
        address: '10.96.0.1',
        port: 443,
        protocol: 'TCP',
        scheduler: 'rr',
        flags: ['persistent'],
        persistenceTimeoutSec: 10_800,
        service: 'default/kubernetes:https',
        destinations: new Map([
          [
            '10.0.0.9:6443',
            { address: '10.0.0.9', port: 6443, weight: 1, endpoint: 'a/b#0', node: 'n1' },
          ],
          ['10.0.0.10:6443', { address: '10.0.0.10', port: 6443, weight: 0 }],
        ]),
      },
    ],
  ]),
  addresses: new Set(['fd00::1', '10.96.0.1']),
  ipsets: new Map([
    [
      'KUBE-IPVS-IPS',
      {
        name: 'KUBE-IPVS-IPS',
        type: 'hash:ip',
        family: 'IPv4',
        entries: new Set(['10.96.0.1']),
        maxElements: 65_536,
      },
    ],
    [
      'KUBE-CLUSTER-IP',
      { name: 'KUBE-CLUSTER-IP', type: 'hash:ip,port', family: 'IPv4', entries: new Set() },
    ],
  ]),
  iptables: {
    IPv4: { nat: new Map([['KUBE-SERVICES', ['-A KUBE-SERVICES -j RETURN']]]), filter: new Map() },
    IPv6: { nat: new Map(), filter: new Map() },
  },
  sysctls: new Map([['net/ipv4/ip_forward', '1']]),
};

const plan = orderPlan(
  difference(desired, emptyState(), { isOwned: () => true, excludeCidrs: [] }),
);

test('a state as JSON has the form of plan -o json, in a stable order', () => {
  expect(stateToJson(desired)).toEqual({
    virtualServers: [
      {
        address: '10.96.0.1',
        port: 443,
        protocol: 'TCP',
        family: 'IPv4',
        scheduler: 'rr',
        flags: ['persistent'],
        persistenceTimeoutSec: 10_800,
        service: 'default/kubernetes:https',
        destinations: [
          { address: '10.0.0.9', port: 6443, weight: 1, endpoint: 'a/b#0', node: 'n1' },
          { address: '10.0.0.10', port: 6443, weight: 0 },
        ],
      },
      {
        address: 'fd00::1',
        port: 53,
        protocol: 'UDP',
        family: 'IPv6',
        scheduler: 'rr',
        flags: [],
        service: 'kube-system/kube-dns:dns',
        destinations: [],
      },
    ],
    addresses: ['10.96.0.1/32', 'fd00::1/128'],
    ipsets: {
      'KUBE-CLUSTER-IP': { type: 'hash:ip,port', family: 'IPv4', entries: [] },
      'KUBE-IPVS-IPS': { type: 'hash:ip', family: 'IPv4', entries: ['10.96.0.1'] },
    },
    iptables: {
      ipv4: { nat: { 'KUBE-SERVICES': ['-A KUBE-SERVICES -j RETURN'] }, filter: {} },
      ipv6: { nat: {}, filter: {} },
    },
    sysctls: { 'net/ipv4/ip_forward': '1' },
  });
});

test('whatever order things came in, a state is printed in one', () => {
  const of = (address: string, port: number, protocol: 'TCP' | 'UDP') => ({
    ...desired.virtualServers.get('10.96.0.1:443/TCP')!,
    address,
    port,
    protocol,
  });
  const servers = [
    of('10.96.0.1', 53, 'TCP'),
    of('10.96.0.1', 53, 'UDP'),
    of('10.96.0.1', 443, 'TCP'),
    of('10.96.0.2', 53, 'TCP'),
  ];
  const destinations = ['10.0.0.9:80', '10.0.0.9:443', '10.0.0.10:80'].map((text) => {
    const [address, port] = text.split(':') as [string, string];
    return [text, { address, port: Number(port), weight: 1 }] as const;
  });
  const sets = [...desired.ipsets].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const sysctls = ['net/ipv4/ip_forward', 'net/ipv4/vs/conntrack'];
  const made = (order: <T>(list: readonly T[]) => readonly T[]) =>
    stateToJson({
      ...desired,
      virtualServers: new Map(
        order(servers).map((each) => [
          `${each.address}:${each.port}/${each.protocol}`,
          { ...each, destinations: new Map(order(destinations)) },
        ]),
      ),
      addresses: new Set(order(['10.96.0.1', '10.96.0.2', '10.96.0.10', 'fd00::1'])),
      ipsets: new Map(order(sets)),
      sysctls: new Map(order(sysctls).map((name) => [name, '1'])),
    });
  const straight = made((list) => list);
  expect(JSON.stringify(made((list) => list.toReversed()))).toBe(JSON.stringify(straight));
  expect(
    straight.virtualServers.map(({ address, port, protocol }) => `${address}:${port}/${protocol}`),
  ).toEqual(['10.96.0.1:53/TCP', '10.96.0.1:53/UDP', '10.96.0.1:443/TCP', '10.96.0.2:53/TCP']);
  expect(
    straight.virtualServers[0]!.destinations.map(({ address, port }) => `${address}:${port}`),
  ).toEqual(['10.0.0.9:80', '10.0.0.9:443', '10.0.0.10:80']);
  expect(Object.keys(straight.ipsets)).toEqual(sets.map(([name]) => name));
});

test('a plan as text is grouped and counted', () => {
  expect(formatPlan(plan)).toBe(`sysctls (1)
  ~ net/ipv4/ip_forward = 1
device (1)
  + kube-ipvs0
sets (3)
  + KUBE-IPVS-IPS hash:ip IPv4
  + KUBE-CLUSTER-IP hash:ip,port IPv4
  + KUBE-IPVS-IPS 10.96.0.1
rules (1)
  ~ IPv4 nat: KUBE-SERVICES
virtual servers (4)
  + [fd00::1]:53/UDP rr (kube-system/kube-dns:dns)
  + 10.96.0.1:443/TCP rr persistent 10800s (default/kubernetes:https)
  + 10.96.0.1:443/TCP -> 10.0.0.9:6443 weight 1
  + 10.96.0.1:443/TCP -> 10.0.0.10:6443 weight 0
addresses (2)
  + fd00::1
  + 10.96.0.1
`);
  expect(planSummary(plan)).toBe(
    '12 operations: sysctls (1), device (1), sets (3), rules (1), virtual servers (4), addresses (2)',
  );
  expect([formatPlan([]), planSummary([])]).toEqual(['', '0 operations']);
});

test('a plan as JSON is one object an operation, without values that JSON cannot hold', () => {
  const json = planToJson(plan);
  expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  expect(json).toContainEqual({
    op: 'createSet',
    name: 'KUBE-IPVS-IPS',
    type: 'hash:ip',
    family: 'IPv4',
    maxElements: 65_536,
  });
  expect(json.every((each) => typeof each['op'] === 'string')).toBe(true);
  expect(json).toContainEqual({ op: 'addEntry', set: 'KUBE-IPVS-IPS', entry: '10.96.0.1' });
  expect(json).toContainEqual({ op: 'bindAddress', address: 'fd00::1/128' });
  expect(json).toContainEqual({
    op: 'addDestination',
    server: '10.96.0.1:443/TCP',
    destination: { address: '10.0.0.10', port: 6443, weight: 0 },
  });
  expect(json).toContainEqual({
    op: 'writeRules',
    family: 'IPv4',
    table: 'nat',
    chains: { 'KUBE-SERVICES': ['-A KUBE-SERVICES -j RETURN'] },
  });
});

test('every bad field of a state file is named with its path', () => {
  const read = stateFromJson({
    desired: {
      virtualServers: [
        { address: '10.0.0.1', port: 99_999, protocol: 'ICMP', scheduler: 'rr' },
        { address: '010.0.0.1', port: 1, protocol: 'TCP', scheduler: '', flags: ['odd'] },
      ],
      addresses: ['10.0.0.0/24'],
      ipsets: { X: { type: 'list:set', family: 'IPv4' } },
      sysctls: { 'net/ipv4/ip_forward': 1 },
    },
  });
  if ('state' in read) throw new Error('accepted');
  expect(read.problems.map(({ path, value }) => [path, value])).toEqual([
    ['desired.virtualServers[0].port', 99_999],
    ['desired.virtualServers[0].protocol', 'ICMP'],
    ['desired.virtualServers[1].address', '010.0.0.1'],
    ['desired.virtualServers[1].scheduler', ''],
    ['desired.virtualServers[1].flags[0]', 'odd'],
    ['desired.addresses[0]', '10.0.0.0/24'],
    ['desired.ipsets.X.type', 'list:set'],
    ['desired.sysctls.net/ipv4/ip_forward', 1],
  ]);
});

test('a file that is something else is refused and not taken for an empty state', () => {
  for (const json of [{}, { kind: 'List' }, [], null, 'text', { desired: {} }, { desired: null }])
    expect(stateFromJson(json)).toMatchObject({ problems: [{}] });
});

test('whatever flags and set types a node may have are read from its state file', () => {
  const address = { address: '10.0.0.1', port: 80, protocol: 'TCP' };
  const numbered = ['flag-1', 'flag-2', 'flag-3'];
  const flags = [
    ...numbered,
    'mh-fallback',
    'mh-port',
    'one-packet',
    'persistent',
    'sh-fallback',
    'sh-port',
  ];
  const hashes = ['hash:ip', 'hash:ip,port', 'hash:ip,port,ip', 'hash:ip,port,net', 'hash:net'];
  const types = ['bitmap:port', ...hashes];
  const ipsets = Object.fromEntries(types.map((type) => [type, { type, family: 'IPv6' }]));
  const read = stateFromJson({
    virtualServers: [{ ...address, scheduler: 'rr', flags: flags.toReversed() }],
    ipsets,
  });
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  const [server] = read.state.virtualServers.values();
  expect(server).toMatchObject({ flags, destinations: new Map() });
  expect([...read.state.ipsets.values()].map(({ type }) => type)).toEqual(types);
});

test('what a state file leaves out is not there, but for the device', () => {
  const read = stateFromJson({ addresses: ['10.0.0.1', 'fd00::1/128'] });
  expect(read).toEqual({
    state: {
      ...emptyState(),
      addresses: new Set(['10.0.0.1', 'fd00::1']),
      hasDummyDevice: true,
    },
  });
});

test.each([
  ['10.0.0.1/33', 'is not one address: write 10.96.0.1/32 or fd00::1/128'],
  ['fd00::1/64', 'is not one address: write 10.96.0.1/32 or fd00::1/128'],
  [7, 'must be an address like 10.96.0.1/32 in quotes'],
])('an address that is none is refused with the way to write it: %j', (address, problem) => {
  expect(stateFromJson({ addresses: [address] })).toEqual({
    problems: [{ path: 'addresses[0]', value: address, problem }],
  });
});

test('each bad value is refused with what it must be', () => {
  const server = { address: '10.0.0.1', port: 80, protocol: 'TCP', scheduler: 'rr' };
  const problemsOf = (more: Record<string, unknown>) => {
    const read = stateFromJson({ virtualServers: [{ ...server, ...more }] });
    return 'problems' in read ? read.problems.map(({ problem }) => problem) : [];
  };
  expect(problemsOf({})).toEqual([]);
  expect(problemsOf({ port: 0, persistenceTimeoutSec: 0 })).toEqual([]);
  expect(problemsOf({ port: 65_535 })).toEqual([]);
  expect(problemsOf({ port: -1 })).toEqual(['must be 0 to 65535']);
  expect(problemsOf({ port: 65_536 })).toEqual(['must be 0 to 65535']);
  expect(problemsOf({ port: 1.5 })).toEqual(['must be a whole number']);
  expect(problemsOf({ port: '80' })).toEqual(['must be a number']);
  expect(problemsOf({ address: 7 })).toEqual(['must be an IP address in quotes']);
  expect(problemsOf({ address: 'x' })).toEqual(['is not an IPv4 or IPv6 address']);
  expect(problemsOf({ scheduler: '' })).toEqual(['must name a scheduler, for example rr']);
  expect(problemsOf({ flags: ['odd'] })).toEqual(['is not a flag of a virtual server']);
  expect(problemsOf({ persistenceTimeoutSec: -1 })).toEqual(['must not be negative']);
  expect(problemsOf({ persistenceTimeoutSec: 1.5 })).toEqual(['must be a whole number']);
  const [destination] = problemsOf({
    destinations: [{ address: '10.1.0.1', port: 1, weight: -1 }],
  });
  expect(destination).toBe('must not be negative');
  expect(stateFromJson({ desired: { addresses: 'x' }, plan: [] })).toMatchObject({
    problems: [{ path: 'desired.addresses', value: 'x' }],
  });
});
