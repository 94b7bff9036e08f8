import { expect, test } from '@jest/globals';
import { apiServerAddresses } from '../../../src/apiservers/shell/feature.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { FakeFeatureHost } from '../../support/program/featureHost.ts';
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

async function started() {
  const host = new FakeFeatureHost();
  const running = await apiServerAddresses().start(host);
  return { changed: running.changed!.bind(running), heldBack: host.heldBack };
}

test("the API servers are at the endpoints of their own slice, and nobody else's", async () => {
  const { changed, heldBack } = await started();
  changed(slice('kubernetes', '192.168.0.250', '192.168.0.251'));
  changed(slice('kubernetes-of-a-tenant', '203.0.113.20'));
  changed({ kind: 'Node', key: 'default/kubernetes', object: undefined, before: undefined });
  expect(heldBack).toEqual([['192.168.0.250', '192.168.0.251']]);
});

test('they move and leave with the slice', async () => {
  const { changed, heldBack } = await started();
  changed(slice('kubernetes', '192.168.0.250'));
  changed(slice('kubernetes', '192.168.0.251'));
  changed({ ...slice('kubernetes'), object: undefined });
  expect(heldBack).toEqual([['192.168.0.250'], ['192.168.0.251'], []]);
});
