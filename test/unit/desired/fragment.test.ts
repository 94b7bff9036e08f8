import { expect, test } from '@jest/globals';
import { compileService } from '../../../src/desired/fragment.ts';
import { NodeContext } from '../../../src/desired/nodeContext.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';
import { dataplaneOptions, hostNetwork } from '../../support/objects/nodeFixtures.ts';

function dependencies(service: Record<string, unknown>, slice: Record<string, unknown> = {}) {
  const { object } = slimService(rawService(service));
  const { object: one } = slimEndpointSlice(rawSlice(slice));
  const context = new NodeContext(dataplaneOptions(), hostNetwork());
  return compileService(object!, [one!], context).dependsOn;
}

const NOTHING = { hints: false, nodePorts: false, sourceRanges: false };

test('a Service on its ClusterIP alone depends on nothing of the node', () => {
  expect(dependencies({})).toEqual(NOTHING);
});

test('one with a NodePort depends on the addresses that serve NodePorts', () => {
  const ports = [{ name: 'http', port: 80, nodePort: 30080 }];
  expect(dependencies({ type: 'NodePort', ports })).toEqual({ ...NOTHING, nodePorts: true });
});

test('one with source ranges depends on the addresses of the node itself', () => {
  const ranges = { type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24'] };
  expect(dependencies(ranges)).toEqual({ ...NOTHING, sourceRanges: true });
});

test('one whose endpoints carry hints depends on the zone of the node', () => {
  const endpoints = [{ addresses: ['10.244.1.5'], hints: { forZones: [{ name: 'zone-a' }] } }];
  expect(dependencies({}, { endpoints })).toEqual({ ...NOTHING, hints: true });
});
