import { describe, expect, test } from '@jest/globals';
import { sentenceOf } from '../../../src/model/problem.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { rawSlice } from '../../support/objects/rawObjects.ts';

const LABELS = { 'kubernetes.io/service-name': 'web' };

function problemsOf(raw: unknown): string[] {
  return slimEndpointSlice(raw).problems.map(
    (problem) => `${problem.path}: ${sentenceOf(problem)}`,
  );
}

function endpointOf(endpoint: Record<string, unknown>) {
  return slimEndpointSlice(rawSlice({ endpoints: [{ addresses: ['10.0.0.1'], ...endpoint }] }))
    .object?.endpoints[0];
}

test('a slice with every field keeps what a proxy reads', () => {
  const raw = rawSlice({
    metadata: {
      name: 'web-abc',
      namespace: 'shop',
      labels: LABELS,
      annotations: {
        'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-02T03:04:05.123456789Z',
      },
    },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP', appProtocol: 'h2c' }, { port: 9090 }],
    endpoints: [
      {
        addresses: ['10.244.1.5', '10.244.1.6'],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'node-a',
        zone: 'z1',
        targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-0' },
        hints: { forZones: [{ name: 'z1' }, { name: 'z2' }], forNodes: [{ name: 'node-a' }] },
      },
    ],
  });
  expect(slimEndpointSlice(raw)).toEqual({
    problems: [],
    object: {
      namespace: 'shop',
      name: 'web-abc',
      service: 'shop/web',
      addressType: 'IPv4',
      triggerTimeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 123),
      ports: [
        { name: 'http', protocol: 'TCP', port: 8080 },
        { name: '', protocol: 'TCP', port: 9090 },
      ],
      endpoints: [
        {
          address: '10.244.1.5',
          index: 0,
          isReady: true,
          isServing: true,
          isTerminating: false,
          nodeName: 'node-a',
          hintZones: ['z1', 'z2'],
          hintNodes: ['node-a'],
          target: 'Pod shop/web-0',
        },
      ],
    },
  });
});

test('conditions that are not given mean ready, serving and not terminating', () => {
  const expected = { isReady: true, isServing: true, isTerminating: false };
  expect(endpointOf({})).toMatchObject(expected);
  expect(endpointOf({ conditions: null })).toMatchObject(expected);
  expect(endpointOf({ conditions: { ready: null, serving: null } })).toMatchObject(expected);
  expect(
    endpointOf({ conditions: { ready: false, serving: true, terminating: true } }),
  ).toMatchObject({
    isReady: false,
    isServing: true,
    isTerminating: true,
  });
});

test('an endpoint without node, hints and target has no such fields', () => {
  expect(endpointOf({ hints: { forZones: [] }, nodeName: '' })).toEqual({
    address: '10.0.0.1',
    index: 0,
    isReady: true,
    isServing: true,
    isTerminating: false,
  });
});

test('a target of which only the name is known still reads well', () => {
  expect(endpointOf({ targetRef: { name: 'x' } })?.target).toBe('Pod x');
  expect(endpointOf({ targetRef: { kind: 'Node', name: 'n' } })?.target).toBe('Node n');
  expect(endpointOf({ targetRef: 'x' })).not.toHaveProperty('target');
  expect(endpointOf({ targetRef: {} })).not.toHaveProperty('target');
});

describe('a bad endpoint is dropped alone:', () => {
  test.each<[string, unknown, string, string]>([
    ['no addresses', {}, '.addresses', 'must hold an address'],
    ['empty addresses', { addresses: [] }, '.addresses', 'must hold an address'],
    [
      'ready as a word',
      { addresses: ['10.0.0.9'], conditions: { ready: 'yes' } },
      '.conditions.ready',
      'must be true or false',
    ],
    [
      'conditions as a word',
      { addresses: ['10.0.0.9'], conditions: 'ready' },
      '.conditions',
      'must be an object',
    ],
    [
      'nodeName as a number',
      { addresses: ['10.0.0.9'], nodeName: 1 },
      '.nodeName',
      'must be a string (put it in quotes)',
    ],
    ['no object', '10.0.0.9', '', 'must be an object'],
  ])('%s', (_, bad, field, why) => {
    const raw = rawSlice({ endpoints: [bad, { addresses: ['10.0.0.1'] }] });
    expect(
      slimEndpointSlice(raw).object?.endpoints.map(({ address, index }) => [address, index]),
    ).toEqual([['10.0.0.1', 1]]);
    expect(problemsOf(raw)).toEqual([
      `EndpointSlice/default/web-1.endpoints[0]${field}: ${why}; this endpoint is skipped`,
    ]);
  });

  test('addresses that are no list are reported, and missed', () => {
    const raw = rawSlice({ endpoints: [{ addresses: '10.0.0.9' }] });
    expect(slimEndpointSlice(raw).object?.endpoints).toEqual([]);
    expect(problemsOf(raw)[0]).toBe(
      'EndpointSlice/default/web-1.endpoints[0].addresses: must be a list; this endpoint is skipped',
    );
  });
});

test('an address that is no string stays as text, to be judged as an address', () => {
  const raw = rawSlice({ endpoints: [{ addresses: [167772161] }] });
  expect(slimEndpointSlice(raw).object?.endpoints[0]?.address).toBe('167772161');
});

test('a bad hint is dropped alone', () => {
  const raw = rawSlice({
    endpoints: [{ addresses: ['10.0.0.1'], hints: { forZones: [{ name: 1 }, { name: 'z1' }] } }],
  });
  expect(slimEndpointSlice(raw).object?.endpoints[0]?.hintZones).toEqual(['z1']);
  expect(problemsOf(raw)).toEqual([
    'EndpointSlice/default/web-1.endpoints[0].hints.forZones[0].name: must be a string (put it in quotes); this hint is skipped',
  ]);
});

test('a bad port is dropped alone', () => {
  const raw = rawSlice({
    ports: [
      { name: 'a', port: 'x' },
      { name: 'b', port: 0 },
      { name: 'c', protocol: 'tcp' },
      { name: 'd', port: 1 },
    ],
  });
  expect(slimEndpointSlice(raw).object?.ports).toEqual([{ name: 'd', protocol: 'TCP', port: 1 }]);
  expect(problemsOf(raw)).toEqual([
    'EndpointSlice/default/web-1.ports[0].port: must be a whole number from 1 to 65535; this port is skipped',
    'EndpointSlice/default/web-1.ports[1].port: must be a whole number from 1 to 65535; this port is skipped',
    'EndpointSlice/default/web-1.ports[2].protocol: must be one of TCP, UDP, SCTP; this port is skipped',
  ]);
});

test('a port without a number is legal and of no use', () => {
  const raw = rawSlice({ ports: [{ name: 'all' }] });
  expect(slimEndpointSlice(raw)).toMatchObject({ problems: [], object: { ports: [] } });
});

test.each([
  ['host names', { addressType: 'FQDN' }],
  [
    'another proxy',
    {
      metadata: {
        name: 's',
        labels: { ...LABELS, 'service.kubernetes.io/service-proxy-name': 'x' },
      },
    },
  ],
])('a slice of %s is left out without a word', (_, fields) => {
  expect(slimEndpointSlice(rawSlice(fields))).toEqual({ problems: [] });
});

test('of a slice of a headless Service nothing is said, and it is marked as none for proxies', () => {
  const labels = { ...LABELS, 'service.kubernetes.io/headless': '' };
  const metadata = { name: 's', namespace: 'default', labels };
  const { object, problems } = slimEndpointSlice(
    rawSlice({ metadata, endpoints: [{ addresses: 1 }, { addresses: ['10.0.0.1'] }] }),
  );
  expect(problems).toEqual([]);
  expect(object).toMatchObject({ isHeadless: true, endpoints: [{ address: '10.0.0.1' }] });
});

describe('a slice is dropped', () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      'without the name of its Service',
      { metadata: { name: 'web-1' } },
      '.metadata.labels[kubernetes.io/service-name]: must name the Service whose endpoints these are',
    ],
    ['without an address type', { addressType: undefined }, '.addressType: must be IPv4 or IPv6'],
    [
      'of an unknown address type',
      { addressType: 'ipv4' },
      '.addressType: must be one of IPv4, IPv6, FQDN',
    ],
    ['with endpoints that are no list', { endpoints: {} }, '.endpoints: must be a list'],
    ['with ports that are no list', { ports: 80 }, '.ports: must be a list'],
  ])('%s', (_, fields, why) => {
    const raw = rawSlice(fields);
    expect(slimEndpointSlice(raw).object).toBeUndefined();
    expect(problemsOf(raw)).toEqual([
      `EndpointSlice/default/web-1${why}; this EndpointSlice is skipped`,
    ]);
  });
});

test('a trigger time that cannot be read is no problem', () => {
  const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': 'yesterday' };
  const raw = rawSlice({ metadata: { name: 'web-1', labels: LABELS, annotations } });
  expect(slimEndpointSlice(raw).problems).toEqual([]);
  expect(slimEndpointSlice(raw).object).not.toHaveProperty('triggerTimeMs');
});
