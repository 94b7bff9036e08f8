/** What an earlier proxy left, by its own sets; what only looks like it. */
import { tmpdir } from 'node:os';
import { ADDRESSES_PART, SERVERS_PART, setPart } from '../../../src/dataplane/part.ts';
import path from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { type SetName, setDefinition } from '../../../src/desired/ipsets.ts';
import { setName } from '../../../src/dataplane/setNames.ts';
import {
  type ActualState,
  type DataplaneState,
  emptyState,
  serverKey,
  type VirtualServer,
} from '../../../src/dataplane/state.ts';
import { Ledger } from '../../../src/kernel/ledger.ts';
import type { Family, Protocol } from '../../../src/net/family.ts';
import { ownership, takeOver } from '../../../src/plan/ownership.ts';

const NODE: Readonly<Record<Family, string>> = { IPv4: '192.168.0.1', IPv6: 'fd00:168::1' };
const ELSEWHERE: Readonly<Record<Family, string>> = { IPv4: '203.0.113.9', IPv6: '2001:db8::9' };

let ledger: Ledger;
beforeEach(async () => {
  ledger = await Ledger.open(path.join(tmpdir(), 'no-such-folder', 'ledger.json'));
});

function server(address: string, protocol: Protocol, port = 30080): VirtualServer {
  return { address, port, protocol, scheduler: 'rr', flags: [], destinations: new Map() };
}

function kernel(
  servers: readonly VirtualServer[],
  sets: readonly (readonly [SetName, Family, string])[],
  more: Partial<ActualState> = {},
): ActualState {
  const ipsets = sets.map(([name, family, entry]) => {
    const { type } = setDefinition(name);
    return { name: setName(name, family), type, family, entries: new Set([entry]) };
  });
  return {
    ...emptyState(),
    virtualServers: new Map(servers.map((each) => [serverKey(each), each])),
    ipsets: new Map(ipsets.map((set) => [set.name, set])),
    ...more,
  };
}

const isNodeAddress = (address: string) => Object.values(NODE).includes(address);
const take = (actual: ActualState, desired: DataplaneState = emptyState()) =>
  takeOver(actual, desired, ledger, isNodeAddress);
const owned = (actual: ActualState) =>
  [...actual.virtualServers.values()].filter(ownership(actual, ledger)).map(serverKey);

const FAMILIES = ['IPv4', 'IPv6'] as const;
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;
const TRANSPORTS = FAMILIES.flatMap((family) =>
  PROTOCOLS.map((protocol) => [family, protocol] as const),
);

test.each(TRANSPORTS)('a NodePort of kube-proxy is ours: %s %s', (family, protocol) => {
  const ours = server(NODE[family], protocol);
  const set =
    protocol === 'SCTP'
      ? (['KUBE-NODE-PORT-SCTP-HASH', family, `${NODE[family]},sctp:30080`] as const)
      : ([`KUBE-NODE-PORT-${protocol}`, family, '30080'] as const);
  const others = [
    server(ELSEWHERE[family], protocol),
    server(NODE[family], protocol, 30081),
    ...PROTOCOLS.filter((other) => other !== protocol).map((other) => server(NODE[family], other)),
  ];
  const actual = kernel([ours, ...others], [set]);
  expect(take(actual)).toBe(true);
  expect(owned(actual)).toEqual([serverKey(ours)]);
});

const FRONTEND_SETS: readonly SetName[] = [
  'KUBE-CLUSTER-IP',
  'KUBE-EXTERNAL-IP',
  'KUBE-EXTERNAL-IP-LOCAL',
  'KUBE-LOAD-BALANCER',
];

test.each(
  FRONTEND_SETS.flatMap((set) =>
    TRANSPORTS.map(([family, protocol]) => [set, family, protocol] as const),
  ),
)('a server whose address and port are in %s is ours: %s %s', (set, family, protocol) => {
  const ours = server(ELSEWHERE[family], protocol, 80);
  const actual = kernel(
    [ours, server(ELSEWHERE[family], protocol, 81), server(NODE[family], protocol, 80)],
    [[set, family, `${ELSEWHERE[family]},${protocol.toLowerCase()}:80`]],
  );
  take(actual);
  expect(owned(actual)).toEqual([serverKey(ours)]);
});

test('a set of the other family says nothing', () => {
  const actual = kernel([server(NODE.IPv4, 'TCP')], [['KUBE-NODE-PORT-TCP', 'IPv6', '30080']]);
  take(actual);
  expect(owned(actual)).toEqual([]);
});

test('what is wanted as it stands is ours from then on', () => {
  const found = server(NODE.IPv4, 'TCP', 80);
  const actual = kernel([found], []);
  take(actual, kernel([found], []));
  expect(owned(actual)).toEqual([serverKey(found)]);
});

test('a server on an address of the dummy device is ours without a ledger', () => {
  const actual = kernel([server('10.96.0.10', 'TCP', 80), server(ELSEWHERE.IPv4, 'TCP', 80)], [], {
    addresses: new Set(['10.96.0.10']),
  });
  expect(owned(actual)).toEqual(['10.96.0.10:80/TCP']);
  expect(take(actual)).toBe(true);
  expect(ledger.has('10.96.0.10:80/TCP')).toBe(false);
});

test('a set that could not be read is asked at the next reading, the others now', () => {
  const [tcp, udp] = [server(NODE.IPv4, 'TCP'), server(NODE.IPv4, 'UDP')];
  const error = new Error('no luck');
  const half = kernel([tcp, udp], [['KUBE-NODE-PORT-TCP', 'IPv4', '30080']], {
    unknown: new Map([[setPart('KUBE-NODE-PORT-UDP'), error]]),
  });
  expect(take(half)).toBe(false);
  expect(owned(half)).toEqual([serverKey(tcp)]);
  const whole = kernel([tcp, udp], [['KUBE-NODE-PORT-UDP', 'IPv4', '30080']]);
  expect(take(whole)).toBe(true);
  expect(owned(whole)).toEqual([serverKey(tcp), serverKey(udp)]);
});

test.each([SERVERS_PART, ADDRESSES_PART] as const)('nothing is taken over without %s', (part) => {
  const unknown = new Map([[part, new Error('no luck')]]);
  const sets = [['KUBE-NODE-PORT-TCP', 'IPv4', '30080']] as const;
  expect(take(kernel([server(NODE.IPv4, 'TCP')], sets, { unknown }))).toBe(false);
  expect(ledger.has(serverKey(server(NODE.IPv4, 'TCP')))).toBe(false);
});
