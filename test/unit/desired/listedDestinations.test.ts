import { expect, test } from '@jest/globals';
import { listedDestinations } from '../../../src/desired/listedDestinations.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';

function slice(addressType: string, endpoints: readonly unknown[]) {
  const { object } = slimEndpointSlice({
    metadata: { name: 'web-1', namespace: 'a', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType,
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
    endpoints,
  });
  return object!;
}

test('ready or not, serving or not, terminating or not', () => {
  const slices = [
    slice('IPv4', [
      { addresses: ['10.244.1.5'], conditions: { ready: false } },
      {
        addresses: ['10.244.1.6'],
        conditions: { ready: false, serving: false, terminating: true },
      },
      { addresses: ['no address'] },
    ]),
    slice('IPv6', [{ addresses: ['fd00::5'] }]),
  ];
  expect([...listedDestinations(slices, 'IPv4', 'TCP')]).toEqual([
    '10.244.1.5:8080',
    '10.244.1.6:8080',
  ]);
  expect([...listedDestinations(slices, 'IPv6', 'UDP')]).toEqual(['[fd00::5]:53']);
});
