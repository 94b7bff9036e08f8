// The manifests of demo/ are examples for operators: the product must find nothing wrong in them,
// and they must fit the lab's cluster.

import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { withoutPod } from '../../../demo/program/endpoints.ts';
import { loadManifests } from '../../../src/cluster/manifests.ts';
import { readManifest } from '../../../src/cluster/manifestText.ts';
import { nodeAt, podAddresses } from '../../lab/addressPlan.ts';

const folder = resolve('demo');
const read = (name: string) => readFileSync(resolve(folder, name), 'utf8');

test('no object of the demo has a problem', async () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const { snapshot, problems } = await loadManifests(files.map((name) => resolve(folder, name)));
  expect(problems).toEqual([]);
  expect([...snapshot.services.keys()].sort()).toEqual(
    ['api', 'audit', 'front', 'legacy', 'shop', 'web'].map((name) => `default/${name}`),
  );
});

test('its Nodes are the nodes of the lab', async () => {
  const { snapshot } = await loadManifests([resolve(folder, 'nodes.yaml')]);
  const nodes = [...snapshot.nodes.values()];
  expect(nodes.map(({ addresses }) => addresses)).toEqual(
    [1, 2].map((index) => Object.values(nodeAt(index).addresses)),
  );
  expect(nodes.map(({ podCIDRs }) => podCIDRs)).toEqual(
    [1, 2].map((index) => Object.values(nodeAt(index).podCidrs)),
  );
});

test('a pod that is taken away leaves both slices, and the comments stay', () => {
  const text = read('cluster-ip.yaml');
  const changed = withoutPod(text, 'web-2');
  expect(changed.split('\n')[0]).toBe(text.split('\n')[0]);
  const gone = Object.values(podAddresses(nodeAt(2), 10));
  const endpointsOf = (manifest: string) =>
    readManifest(manifest, 'web.yaml').objects.flatMap(({ state }) =>
      state?.kind === 'EndpointSlice' ? state.object!.endpoints.map((each) => each.address) : [],
    );
  expect(endpointsOf(text)).toEqual(expect.arrayContaining(gone));
  expect(endpointsOf(changed)).toEqual(endpointsOf(text).filter((each) => !gone.includes(each)));
  expect(endpointsOf(changed)).toHaveLength(2);
});

test('taking away a pod changes nothing else', () => {
  const withoutEndpoints = (text: string) =>
    parseAllDocuments(text).map((document) => ({ ...document.toJS(), endpoints: [] }) as unknown);
  const text = read('cluster-ip.yaml');
  expect(withoutEndpoints(withoutPod(text, 'web-2'))).toEqual(withoutEndpoints(text));
});

test('taking away a pod that is not there is an error', () => {
  expect(() => withoutPod(read('cluster-ip.yaml'), 'web-9')).toThrow('web-9');
});
