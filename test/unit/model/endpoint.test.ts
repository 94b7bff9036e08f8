import { describe, expect, test } from '@jest/globals';
import { endpointsByPort } from '../../../src/model/endpoint.ts';
import type { EndpointSliceResource } from '../../../src/model/resources.ts';
import type { Endpoint } from '../../../src/model/servicePort.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { endpointPortKey, SliceReader } from '../../../src/model/sliceEndpoints.ts';
import type { Family } from '../../../src/net/family.ts';
import { rawSlice } from '../../support/objects/rawObjects.ts';

type Raw = Record<string, unknown>;

function slice(name: string, fields: Raw): EndpointSliceResource {
  const metadata = { name, namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } };
  return slimEndpointSlice(rawSlice({ metadata, ...fields })).object!;
}

function merge(slices: EndpointSliceResource[], family: Family = 'IPv4') {
  return endpointsByPort(slices, family, 'node-a');
}

function httpOf(slices: EndpointSliceResource[]): readonly Endpoint[] {
  return merge(slices).endpoints.get('http/TCP') ?? [];
}

const at = (address: string, fields: Raw = {}) => ({ addresses: [address], ...fields });

test('the key of a port names it and its protocol', () => {
  expect(endpointPortKey('http', 'TCP')).toBe('http/TCP');
  expect(endpointPortKey('', 'UDP')).toBe('/UDP');
});

test('an endpoint keeps its conditions, its node and where it came from', () => {
  const endpoint = at('10.244.1.5', {
    conditions: { ready: false, serving: true, terminating: true },
    nodeName: 'node-a',
    hints: { forZones: [{ name: 'z1' }] },
    targetRef: { kind: 'Pod', namespace: 'default', name: 'web-0' },
  });
  expect(httpOf([slice('s', { endpoints: [endpoint] })])).toEqual([
    {
      address: '10.244.1.5',
      port: 8080,
      isReady: false,
      isServing: true,
      isTerminating: true,
      isLocal: true,
      nodeName: 'node-a',
      hintZones: ['z1'],
      source: 'default/s#0',
      target: 'Pod default/web-0',
    },
  ]);
});

test('an endpoint is local on the node that it names only', () => {
  const endpoints = [
    at('10.0.0.1', { nodeName: 'node-a' }),
    at('10.0.0.2', { nodeName: 'node-b' }),
    at('10.0.0.3'),
  ];
  expect(httpOf([slice('s', { endpoints })]).map(({ isLocal }) => isLocal)).toEqual([
    true,
    false,
    false,
  ]);
});

test('no endpoint is local for a node without a name', () => {
  const only = slice('s', { endpoints: [at('10.0.0.3')] });
  expect(endpointsByPort([only], 'IPv4', '').endpoints.get('http/TCP')?.[0]?.isLocal).toBe(false);
});

test('of several slices the one that changed is read, the others stay as they were read', () => {
  const [a, b] = ['a', 'b'].map((name, i) => slice(name, { endpoints: [at(`10.0.0.${i + 1}`)] }));
  const reader = new SliceReader('node-a');
  const read = (slices: EndpointSliceResource[]) =>
    endpointsByPort(slices, 'IPv4', 'node-a', reader).endpoints.get('http/TCP')!;
  const before = read([a!, b!]);
  const after = read([a!, slice('b', { endpoints: [at('10.0.0.3')] })]);
  expect(after[0]).toBe(before[0]);
  expect(after.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.3']);
});

test('endpoints are sorted by number, then by port', () => {
  const ports = (port: number) => [{ name: 'http', port }];
  const slices = [
    slice('a', { ports: ports(9090), endpoints: [at('10.0.0.10'), at('10.0.0.9')] }),
    slice('b', { ports: ports(80), endpoints: [at('10.0.0.10'), at('9.0.0.1')] }),
  ];
  expect(httpOf(slices).map(({ address, port }) => `${address}:${port}`)).toEqual([
    '9.0.0.1:80',
    '10.0.0.9:9090',
    '10.0.0.10:80',
    '10.0.0.10:9090',
  ]);
});

test('each port of a slice has all endpoints of the slice', () => {
  const ports = [
    { name: 'http', port: 8080 },
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns', port: 53 },
  ];
  const { endpoints } = merge([slice('s', { ports, endpoints: [at('10.0.0.1'), at('10.0.0.2')] })]);
  expect([...endpoints].map(([key, list]) => [key, list.length])).toEqual([
    ['http/TCP', 2],
    ['dns/UDP', 2],
    ['dns/TCP', 2],
  ]);
});

test('slices of the other family are passed over', () => {
  const slices = [
    slice('s4', { endpoints: [at('10.0.0.1')] }),
    slice('s6', { addressType: 'IPv6', endpoints: [at('FD00::0001')] }),
  ];
  expect(httpOf(slices).map(({ address }) => address)).toEqual(['10.0.0.1']);
  expect(
    merge(slices, 'IPv6')
      .endpoints.get('http/TCP')
      ?.map(({ address }) => address),
  ).toEqual(['fd00::1']);
});

test('a Service without slices, and a slice without endpoints or ports, have no endpoints', () => {
  expect(merge([])).toEqual({ endpoints: new Map(), problems: [] });
  expect(merge([slice('s', { endpoints: [] }), slice('t', { ports: [] })]).endpoints.size).toBe(0);
});

describe('an endpoint is skipped and reported once', () => {
  test.each([
    ['10.0.0', 'is not an IP address'],
    ['web-0', 'is not an IP address'],
    ['fd00::1', 'is not of family IPv4'],
    ['0.0.0.0', 'is the unspecified address'],
    ['127.0.0.1', 'is a loopback address'],
    ['169.254.0.1', 'is a link-local address'],
    ['239.0.0.1', 'is a multicast address'],
    ['255.255.255.255', 'is the broadcast address'],
  ])('at %s', (address, reason) => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'other', port: 81 },
    ];
    const { endpoints, problems } = merge([
      slice('s', { ports, endpoints: [at(address), at('10.0.0.1')] }),
    ]);
    expect(endpoints.get('http/TCP')?.map(({ source }) => source)).toEqual(['default/s#1']);
    expect(problems).toEqual([
      {
        path: 'EndpointSlice/default/s.endpoints[0].addresses[0]',
        value: address,
        problem: reason,
        consequence: 'EndpointSkipped',
        service: 'default/web',
      },
    ]);
  });
});

describe('of an endpoint in two slices', () => {
  const ready = (isReady: boolean) => ({ conditions: { ready: isReady } });
  const draining = (serving: boolean) => ({
    conditions: { ready: false, serving, terminating: true },
  });

  test.each<[string, Raw, Raw]>([
    [
      'the ready copy counts, wherever it is (kubernetes issue 135266)',
      { nodeName: 'node-b' },
      { nodeName: 'node-a', ...draining(true) },
    ],
    ['the ready copy counts', ready(true), ready(false)],
    ['the serving copy counts', draining(true), draining(false)],
    ['the copy that stays counts', ready(false), draining(true)],
  ])('%s, whichever comes first', (_, better, worse) => {
    const first = slice('a', { endpoints: [at('10.0.0.1', worse)] });
    const second = slice('b', { endpoints: [at('10.0.0.1', better)] });
    for (const slices of [
      [first, second],
      [second, first],
    ]) {
      expect(httpOf(slices).map(({ source }) => source)).toEqual(['default/b#0']);
    }
  });

  test('that are alike, that of the first slice by name counts', () => {
    const [first, second] = ['a', 'b'].map((name) => slice(name, { endpoints: [at('10.0.0.1')] }));
    for (const slices of [
      [first!, second!],
      [second!, first!],
    ]) {
      expect(httpOf(slices).map(({ source }) => source)).toEqual(['default/a#0']);
    }
  });

  test('both count when their ports differ', () => {
    const first = slice('a', { endpoints: [at('10.0.0.1')] });
    const second = slice('b', { ports: [{ name: 'http', port: 81 }], endpoints: [at('10.0.0.1')] });
    expect(httpOf([first, second]).map(({ port }) => port)).toEqual([81, 8080]);
  });

  test('of one slice, the same holds', () => {
    const old = at('10.0.0.1', { nodeName: 'node-a', ...draining(false) });
    const fresh = at('10.0.0.1', { nodeName: 'node-b' });
    for (const endpoints of [
      [old, fresh],
      [fresh, old],
    ]) {
      const [found] = httpOf([slice('s', { endpoints })]);
      expect(found).toMatchObject({ isReady: true, isLocal: false, nodeName: 'node-b' });
    }
  });

  test('written differently, one counts', () => {
    const slices = [
      slice('a', { addressType: 'IPv6', endpoints: [at('fd00::1')] }),
      slice('b', { addressType: 'IPv6', endpoints: [at('FD00:0:0::1')] }),
    ];
    expect(merge(slices, 'IPv6').endpoints.get('http/TCP')).toHaveLength(1);
  });
});
