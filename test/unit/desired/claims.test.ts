import { describe, expect, test } from '@jest/globals';
import { type Claim, Claims, precedence } from '../../../src/desired/claims.ts';
import type { Fragment } from '../../../src/desired/fragment.ts';
import type { Frontend } from '../../../src/desired/frontends.ts';
import type { FrontendKind } from '../../../src/desired/frontendKinds.ts';
import { DesiredCluster } from '../../support/objects/desiredCluster.ts';

const KEY = '10.0.0.1:80/TCP';
const KINDS: readonly FrontendKind[] = ['clusterIP', 'loadBalancer', 'nodePort', 'externalIP'];

function claim(service: string, createdAt: string, kind: FrontendKind, onCompare = () => {}) {
  const fragment = {
    resource: { createdAt },
    get service() {
      onCompare();
      return service;
    },
  };
  return {
    fragment: fragment as unknown as Fragment,
    frontend: { kind } as Frontend,
  } satisfies Claim;
}

function order(...claims: Claim[]): string[] {
  const book = new Claims();
  for (const each of claims) book.replace(KEY, undefined, each);
  return book.claimants(KEY).map(({ fragment }) => fragment.service);
}

describe('the first of several', () => {
  const old = '2024-01-01T00:00:00Z';
  const young = '2025-01-01T00:00:00Z';

  test('is first by kind, whatever the ages and names', () => {
    const claims = KINDS.map((kind, i) => claim(`${9 - i}`, i === 3 ? '' : `202${9 - i}`, kind));
    expect(order(...claims)).toEqual(['9', '8', '7', '6']);
    expect(order(...claims.toReversed())).toEqual(['9', '8', '7', '6']);
  });

  test('is of one kind the older, an unknown age being the oldest, then the first by name', () => {
    const claims = [
      claim('a', young, 'externalIP'),
      claim('b', '', 'externalIP'),
      claim('d', old, 'externalIP'),
      claim('c', old, 'externalIP'),
    ];
    expect(order(...claims)).toEqual(['b', 'c', 'd', 'a']);
  });

  test.each([
    [
      claim('a', old, 'clusterIP'),
      claim('b', old, 'externalIP'),
      'Service a as its cluster IP, which comes before any externalIP',
    ],
    [
      claim('a', young, 'nodePort'),
      claim('b', old, 'externalIP'),
      'Service a as its NodePort, which comes before any externalIP',
    ],
    [
      claim('b', '', 'loadBalancer'),
      claim('a', old, 'nodePort'),
      'Service b as its load balancer address, which comes before any NodePort',
    ],
    [claim('b', old, 'clusterIP'), claim('a', young, 'clusterIP'), 'Service b, which is older'],
    [
      claim('a', old, 'clusterIP'),
      claim('b', old, 'clusterIP'),
      'Service a, which is as old and comes first by name',
    ],
  ])('is named with what decided', (winner, loser, words) => {
    expect(precedence({ winner, loser })).toBe(words);
  });
});

test('a claim that is given back makes room for the next, and a changed one finds its new place', () => {
  const book = new Claims();
  const claims = ['a', 'b', 'c'].map((name) => claim(name, '', 'externalIP'));
  for (const each of claims) book.replace(KEY, undefined, each);
  book.replace(KEY, claims[0], undefined);
  expect(book.winner(KEY)).toBe(claims[1]);
  const allocated = claim('c', '', 'clusterIP');
  book.replace(KEY, claims[2], allocated);
  expect(book.winner(KEY)).toBe(allocated);
  book.replace(KEY, allocated, undefined);
  expect(book.claimants(KEY)).toEqual([claims[1]]);
  book.replace(KEY, claims[1], undefined);
  expect(book.winner(KEY)).toBeUndefined();
});

test('claims of many Services on one key are compared a few times each', () => {
  const book = new Claims();
  let comparisons = 0;
  const count = () => void comparisons++;
  const names = Array.from({ length: 4_000 }, (_, i) => String((i * 2_654_435_761) % 1_000_003));
  const claims = names.map((name) => claim(name, '', 'externalIP', count));
  for (const each of claims) book.replace(KEY, undefined, each);
  for (const each of claims) book.replace(KEY, each, undefined);
  expect(book.winner(KEY)).toBeUndefined();
  expect(comparisons).toBeLessThan(4_000 * 2 * 2 * 13);
});

test('an older externalIP takes no newer NodePort, at the address of this node', () => {
  const squatting = [{ name: '', protocol: 'TCP' as const, port: 30080, nodePort: 0, index: 0 }];
  const ports = [{ name: '', protocol: 'TCP' as const, port: 80, nodePort: 30080, index: 0 }];
  const cluster = new DesiredCluster()
    .service('squatter', {
      createdAt: '2026-01-01',
      externalIPs: ['192.168.0.1'],
      ports: squatting,
    })
    .service('bank', { createdAt: '2026-02-01', clusterIPs: ['10.96.0.53'], ports });
  cluster.builder.settle();
  const { virtualServers } = cluster.builder.state;
  expect(virtualServers.get('192.168.0.1:30080/TCP')?.service).toBe('default/bank');
});

test('of one Service too the NodePort comes before the externalIP', () => {
  const ports = [
    { name: 'a', protocol: 'TCP' as const, port: 30080, nodePort: 0, index: 0 },
    { name: 'b', protocol: 'TCP' as const, port: 80, nodePort: 30080, index: 1 },
  ];
  const cluster = new DesiredCluster().service('web', { externalIPs: ['192.168.0.1'], ports });
  cluster.builder.settle();
  const { virtualServers } = cluster.builder.state;
  expect(virtualServers.get('192.168.0.1:30080/TCP')?.service).toBe('default/web:b');
  expect(cluster.builder.problems.all().map(({ path }) => path)).toContain(
    'Service/default/web.spec.externalIPs[0]',
  );
});
