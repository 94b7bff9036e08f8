import { expect, test } from '@jest/globals';
import {
  type Part,
  SERVERS_PART,
  rulesPart,
  setPart,
  sysctlPart,
} from '../../../src/dataplane/part.ts';
import { gate, HeldBackError, isGated } from '../../../src/plan/holdBack.ts';
import type { Operation } from '../../../src/dataplane/operations.ts';

const set = { name: 'KUBE-CLUSTER-IP', type: 'hash:ip,port', family: 'IPv4' } as const;
const rules = { op: 'writeRules', family: 'IPv4', table: 'nat', chains: new Map() } as const;
const bind = (address: string) => ({ op: 'bindAddress', address }) as const;
const serverOn = (address: string) =>
  ({ address, port: 30080, protocol: 'TCP', scheduler: 'rr', flags: [] }) as const;
const destination = { address: '10.244.0.5', port: 8080, weight: 1 };

const onClusterIp = [
  bind('10.96.0.1'),
  { op: 'addServer', server: serverOn('10.96.0.1') },
  { op: 'addDestination', server: serverOn('10.96.0.1'), destination },
] as const;
const onNode = [
  { op: 'addServer', server: serverOn('192.168.0.1') },
  { op: 'addDestination', server: serverOn('192.168.0.1'), destination },
] as const;
const others = [bind('10.96.0.2'), bind('fd00::1')];

function held(failed: readonly Operation[], ...unknown: readonly Part[]): readonly string[] {
  const troubles = { failed, unknown: new Map(unknown.map((part) => [part, new Error('no')])) };
  const judge = gate(troubles, { addresses: new Set(['10.96.0.1', '10.96.0.2', 'fd00::1']) });
  return [...onClusterIp, ...onNode, ...others]
    .filter((operation) => judge(operation) !== undefined)
    .map(
      (operation) =>
        `${operation.op} ${'server' in operation ? operation.server.address : operation.address}`,
    );
}

const ALL_OF_IPV4 = [
  'bindAddress 10.96.0.1',
  'addServer 192.168.0.1',
  'addDestination 192.168.0.1',
  'bindAddress 10.96.0.2',
];

test.each<[string, readonly Operation[], readonly Part[], readonly string[]]>([
  ['nothing', [], [], []],
  ['rules of the family', [rules], [], ALL_OF_IPV4],
  ['rules of the other family', [{ ...rules, family: 'IPv6' }], [], ['bindAddress fd00::1']],
  ['a set of the family', [{ op: 'createSet', set }], [], ALL_OF_IPV4],
  [
    'an entry of one address',
    [{ op: 'addEntry', set, entry: '10.96.0.1,tcp:80' }],
    [],
    ['bindAddress 10.96.0.1'],
  ],
  [
    'an entry of a bare address',
    [{ op: 'addEntry', set, entry: '10.96.0.2' }],
    [],
    ['bindAddress 10.96.0.2'],
  ],
  [
    'an entry of an endpoint',
    [{ op: 'addEntry', set, entry: '10.244.0.5,tcp:80,10.244.0.5' }],
    [],
    [],
  ],
  [
    'removals, sysctls and servers',
    [
      { op: 'removeEntry', set, entry: '10.96.0.1,tcp:80' },
      { op: 'setSysctl', name: 'a', value: '1' },
      { op: 'addServer', server: serverOn('10.96.0.1') },
    ],
    [],
    [],
  ],
  ['rules that are unknown', [], [rulesPart('IPv4', 'filter')], ALL_OF_IPV4],
  ['a set that is unknown', [], [setPart('KUBE-6-CLUSTER-IP')], ['bindAddress fd00::1']],
  ['servers that are unknown', [], [SERVERS_PART], [...ALL_OF_IPV4, 'bindAddress fd00::1']],
  ['a sysctl that is unknown', [], [sysctlPart('net/ipv4/vs/conntrack')], []],
])('what is held back by %s', (_, failed, unknown, expected) => {
  expect(held(failed, ...unknown)).toEqual(expected);
});

test('destinations of a server that is there already are not held back', () => {
  const judge = gate({ failed: [rules], unknown: new Map() }, { addresses: new Set() });
  expect(judge(onNode[1])).toBeUndefined();
  expect(isGated(rules)).toBe(false);
});

test('the reason names what failed', () => {
  const judge = gate({ failed: [rules], unknown: new Map() }, { addresses: new Set() });
  const error = judge(bind('10.96.0.1'));
  expect(error).toBeInstanceOf(HeldBackError);
  expect(error?.message).toBe('held back until this is mended: rules IPv4 nat: writeRules failed');
});
