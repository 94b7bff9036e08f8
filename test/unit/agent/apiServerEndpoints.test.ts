import { expect, test } from '@jest/globals';
import { ApiServerEndpoints } from '../../../src/agent/apiServerEndpoints.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { rawSlice } from '../../support/objects/rawObjects.ts';

function slice(name: string, ...addresses: string[]) {
  const labels = { 'kubernetes.io/service-name': 'kubernetes' };
  const metadata = { name, namespace: 'default', labels };
  const endpoints = addresses.map((address) => ({ addresses: [address] }));
  const { object } = slimEndpointSlice(rawSlice({ metadata, endpoints }));
  return {
    kind: 'EndpointSlice' as const,
    key: `default/${name}`,
    object,
    before: undefined,
  };
}

test("the API servers are at the endpoints of their own slice, and nobody else's", () => {
  const endpoints = new ApiServerEndpoints();
  expect(endpoints.note(slice('kubernetes', '192.168.0.250', '192.168.0.251'))).toBe(true);
  expect(endpoints.note(slice('kubernetes-of-a-tenant', '203.0.113.20'))).toBe(false);
  expect(endpoints.addresses).toEqual(['192.168.0.250', '192.168.0.251']);
});

test('they leave with the slice; a change of something else is none', () => {
  const endpoints = new ApiServerEndpoints();
  endpoints.note(slice('kubernetes', '192.168.0.250'));
  expect(endpoints.note(slice('kubernetes', '192.168.0.250'))).toBe(false);
  expect(
    endpoints.note({
      kind: 'Node',
      key: 'default/kubernetes',
      object: undefined,
      before: undefined,
    }),
  ).toBe(false);
  expect(endpoints.note({ ...slice('kubernetes'), object: undefined })).toBe(true);
  expect(endpoints.addresses).toEqual([]);
});
