import { expect, test } from '@jest/globals';
import { endpointNodes } from '../../../src/loadbalancer/endpointNodes.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { rawSlice } from '../../support/objects/rawObjects.ts';

const ready = (nodeName?: string) => ({ addresses: ['10.0.0.1'], nodeName, conditions: {} });
const ending = (nodeName: string) => ({
  ...ready(nodeName),
  conditions: { ready: false, serving: true, terminating: true },
});
const unready = (nodeName: string) => ({
  ...ready(nodeName),
  conditions: { ready: false, serving: false },
});

function nodesOf(...endpoints: readonly object[]) {
  const slice = slimEndpointSlice(rawSlice({ endpoints })).object!;
  const { isAny, nodes } = endpointNodes([slice], 'IPv4');
  return { isAny, nodes: [...nodes] };
}

test.each<readonly [string, readonly object[], boolean, readonly string[]]>([
  ['ready ones', [ready('a'), unready('b'), ready('a')], true, ['a']],
  ['a ready one shuts out those that end, on every node', [ready('a'), ending('b')], true, ['a']],
  ['those that end where none is ready', [unready('a'), ending('b')], true, ['b']],
  ['one that is on no node', [ready()], true, []],
  ['only unready ones', [unready('a')], false, []],
  ['none', [], false, []],
])('%s', (_, endpoints, isAny, nodes) => {
  expect(nodesOf(...endpoints)).toEqual({ isAny, nodes });
});

test('an address is served by endpoints of its family', () => {
  const slice = slimEndpointSlice(rawSlice({ endpoints: [ready('a')] })).object!;
  expect(endpointNodes([slice], 'IPv6')).toEqual({ isAny: false, nodes: new Set() });
  expect(endpointNodes([], 'IPv4').isAny).toBe(false);
});
