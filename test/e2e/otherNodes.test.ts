/**
 * What a real kube-apiserver says of other Nodes: how many there are, the rows of their table, and
 * all of them while a Service asks for an address that may be theirs.
 */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { countNodes } from '../../src/cluster/nodeCount.ts';
import { NodeFacts } from '../../src/cluster/nodeFacts.ts';
import { NodeLook } from '../../src/cluster/nodeLook.ts';
import { slimNode } from '../../src/model/slimNode.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { waitFor } from './waitFor.ts';
import { node, service, Witness, writeKubeconfig } from './witness.ts';

const { signal } = new AbortController();
let plane: ApiServer;
let witness: Witness | undefined;

beforeAll(async () => {
  plane = await ApiServer.start();
  await plane.objects.create(nodeAt('node-1', '192.0.2.1'));
}, 120_000);

afterEach(async () => {
  await witness?.stop();
  witness = undefined;
});

afterAll(() => plane?.stop(), 30_000);

function nodeAt(name: string, ...addresses: readonly string[]): ClusterObject {
  const status = { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) };
  return { ...node(name), status };
}

function newWitness(): Witness {
  witness = new Witness(writeKubeconfig(plane, 'others', { token: plane.token }));
  return witness;
}

test('they are counted, and looked over by the rows of a table', async () => {
  const { client } = newWitness();
  const look = new NodeLook(client, 'node-1');
  const facts = new NodeFacts();
  await plane.objects.create(nodeAt('node-2', '192.0.2.2', 'fd00::2'));
  await plane.objects.create(node('bare'));
  facts.set(slimNode(nodeAt('node-2', '192.0.2.2', 'fd00::2')).object!);
  facts.set(slimNode(node('bare')).object!);
  facts.set(slimNode(node('gone')).object!);
  await expect(countNodes(client)).resolves.toBe(3);
  await expect(look.changes(facts, signal)).resolves.toEqual(new Map([['gone', undefined]]));

  facts.delete('gone');
  for (let i = 3; i < 13; i++) {
    const other = nodeAt(`node-${i}`, `192.0.2.${i}`);
    await plane.objects.create(other);
    facts.set(slimNode(other).object!);
  }
  await plane.objects.create(nodeAt('joined', 'fd00::77', '192.0.2.77'));
  const expected = { name: 'joined', addresses: ['fd00::77', '192.0.2.77'] };
  // From the server's cache, which may be behind.
  let changes = await look.changes(facts, signal);
  while (changes?.size !== 1) changes = await look.changes(facts, signal);
  expect(changes?.get('joined')).toMatchObject({ ...expected, podCIDRs: ['10.244.1.0/24'] });
  const owners = await look.owners(new Set(['fd00::77', '192.0.2.1']), signal);
  expect([...owners.keys()]).toEqual(['joined']);
});

test('none is read before a Service asks for an address, those that have one are then', async () => {
  const one = newWitness();
  await one.start();
  await waitFor('synced', () => one.synced === 1);
  await plane.objects.create(nodeAt('early', '203.0.113.5'));
  await plane.objects.create(service('plain'));
  await waitFor('the Service', () => one.has('plain'));
  expect([...one.store.nodes.keys()]).toEqual(['node-1']);
  const externalIPs = ['203.0.113.5', '203.0.113.6'];
  await plane.objects.create(service('asking', { externalIPs }));
  await waitFor('its owner', () => one.store.nodes.has('early'));
  const asking = () => one.store.services.get('default/asking')?.externalIPs;
  await waitFor('the address', () => asking()?.length === 2);
  expect(one.changes.indexOf('+Node/early')).toBeLessThan(
    one.changes.lastIndexOf('+Service/default/asking'),
  );
  await plane.objects.create(nodeAt('late', '203.0.113.6'));
  await waitFor('the late one', () => one.store.nodes.has('late'));
  await plane.objects.delete(node('late'));
  await waitFor('its end', () => !one.store.nodes.has('late'));
  expect([...one.store.nodes.keys()].toSorted()).toEqual(['early', 'node-1']);
});
