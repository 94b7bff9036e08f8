import { describe, expect, test } from '@jest/globals';
import { answerOf, healthChecksOf } from '../../../src/healthports/healthCheck.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';

type Raw = Record<string, unknown>;

const BALANCED = {
  type: 'LoadBalancer',
  externalTrafficPolicy: 'Local',
  healthCheckNodePort: 31_070,
};
const DUAL = { clusterIPs: ['10.96.0.10', 'fd00:10:96::10'] };

const service = (spec: Raw, rest: Raw = {}) =>
  slimService(rawService({ ...BALANCED, ...spec }, rest)).object!;
const slice = (fields: Raw = {}) => slimEndpointSlice(rawSlice(fields)).object!;
const here = (address: string, conditions: Raw = {}) => ({
  addresses: [address],
  nodeName: 'node-1',
  conditions,
});
const counted = (...slices: readonly Raw[]) =>
  healthChecksOf(service(DUAL), slices.map(slice), 'node-1').map(({ family, localEndpoints }) => [
    family,
    localEndpoints,
  ]);

describe('a Service has a health-check node port', () => {
  test('of each family that it has a cluster IP of', () => {
    const web = { namespace: 'default', name: 'web', port: 31_070, localEndpoints: 0 };
    expect(healthChecksOf(service(DUAL), [], 'node-1')).toEqual([
      { ...web, family: 'IPv4' },
      { ...web, family: 'IPv6' },
    ]);
    expect(healthChecksOf(service({}), [], 'node-1')).toEqual([{ ...web, family: 'IPv4' }]);
  });

  test.each<[string, Raw, Raw]>([
    ['without a port for it', { healthCheckNodePort: undefined }, {}],
    ['with policy Cluster', { externalTrafficPolicy: 'Cluster' }, {}],
    ['of another type', { type: 'NodePort' }, {}],
    ['without a cluster IP', { clusterIPs: ['None'] }, {}],
    [
      'of another proxy',
      {},
      {
        metadata: {
          name: 'web',
          namespace: 'default',
          labels: { 'service.kubernetes.io/service-proxy-name': 'other' },
        },
      },
    ],
  ])('and one %s has none', (_, spec, rest) => {
    expect(healthChecksOf(service(spec, rest), [slice()], 'node-1')).toEqual([]);
  });
});

describe('local endpoints are', () => {
  test('those of this node, once each, whatever the number of ports and slices', () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'https', port: 443 },
    ];
    const elsewhere = [
      { addresses: ['10.244.2.1'], nodeName: 'node-2' },
      { addresses: ['10.244.9.1'] },
    ];
    expect(
      counted(
        { ports, endpoints: [here('10.244.1.5'), here('10.244.1.6'), ...elsewhere] },
        { ports, endpoints: [here('10.244.1.6')] },
      ),
    ).toEqual([
      ['IPv4', 2],
      ['IPv6', 0],
    ]);
  });

  test('ready: what terminates and still serves is none', () => {
    const terminating = { ready: false, serving: true, terminating: true };
    const unready = { ready: false };
    const endpoints = [here('10.244.1.5', terminating), here('10.244.1.6', unready)];
    expect(counted({ endpoints })[0]).toEqual(['IPv4', 0]);
    expect(counted({ endpoints: [...endpoints, here('10.244.1.7')] })[0]).toEqual(['IPv4', 1]);
  });

  test('ready if one of its copies is', () => {
    const leaving = { endpoints: [here('10.244.1.5', { ready: false })] };
    const coming = { endpoints: [here('10.244.1.5')] };
    expect(counted(leaving, coming)[0]).toEqual(['IPv4', 1]);
    expect(counted(coming, leaving)[0]).toEqual(['IPv4', 1]);
  });

  test('of the family that is asked about', () => {
    const six = {
      addressType: 'IPv6',
      endpoints: [here('fd00:10:244::5'), here('fd00:10:244::6')],
    };
    expect(counted({ endpoints: [here('10.244.1.5')] }, six)).toEqual([
      ['IPv4', 1],
      ['IPv6', 2],
    ]);
  });

  test('such as can be forwarded to', () => {
    expect(counted({ endpoints: [here('127.0.0.1'), here('fd00::1')] })[0]).toEqual(['IPv4', 0]);
    expect(counted({ ports: [], endpoints: [here('10.244.1.5')] })[0]).toEqual(['IPv4', 0]);
  });
});

describe('the answer', () => {
  const check = {
    namespace: 'shop',
    name: 'web',
    family: 'IPv4',
    port: 31_070,
    localEndpoints: 2,
  } as const;

  test('is the text of kube-proxy 1.37.2', () => {
    expect(answerOf(check, true)).toEqual({
      status: 200,
      contentType: 'application/json',
      headers: { 'X-Load-Balancing-Endpoint-Weight': '2' },
      body:
        '{\n\t"service": {\n\t\t"namespace": "shop",\n\t\t"name": "web"\n\t},\n' +
        '\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
    });
  });

  test.each([
    [0, true],
    [2, false],
    [0, false],
  ])('is 503 with %i endpoints of a proxy whose health is %p', (localEndpoints, isHealthy) => {
    const { status, headers, body } = answerOf({ ...check, localEndpoints }, isHealthy);
    expect(status).toBe(503);
    expect(headers).toEqual({ 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) });
    expect(JSON.parse(body)).toEqual({
      service: { namespace: 'shop', name: 'web' },
      localEndpoints,
      serviceProxyHealthy: isHealthy,
    });
  });
});
