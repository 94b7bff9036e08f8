/** Where load balancer addresses are given out and announced, every Node matters at any time. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { settle } from '../../support/program/fakeClock.ts';
import { OWN, rawNode, rawService, ReadCluster } from './nodesHarness.ts';

let cluster: ReadCluster;

beforeEach(() => {
  cluster = new ReadCluster(new Set(['LoadBalancing']));
  cluster.server.add(rawNode('node-2', '192.0.2.2'));
});

afterEach(() => cluster.stop());

test('all Nodes are in the one list and the one watch, and nobody counts or looks over', async () => {
  cluster.server.services = [rawService('web', ['192.0.2.2'])];
  await cluster.start();
  const all = ['+Service shop/web', `+Node ${OWN}`, '+Node node-2', 'synced'];
  expect(cluster.told.toSorted()).toEqual(all.toSorted());
  expect(cluster.told.at(-1)).toBe('synced');
  await cluster.clock.advance(3_600_000);
  expect([...new Set(cluster.server.asked)]).toEqual(['list', 'watch']);
});

test('a Node that comes, and one that goes, is told of', async () => {
  await cluster.start();
  cluster.server.tell('nodes', rawNode('node-3', '192.0.2.3'));
  cluster.server.tell('nodes', rawNode('node-2', '192.0.2.2'), 'DELETED');
  await settle();
  expect(cluster.told.slice(-2)).toEqual(['+Node node-3', '-Node node-2']);
  expect(cluster.knownNodes()).toEqual([OWN, 'node-3']);
});

test('a list that has one no more takes it away', async () => {
  await cluster.start();
  cluster.server.nodes.delete('node-2');
  cluster.server.streamsOf.get('nodes')!.send({
    type: 'ERROR',
    object: { kind: 'Status', code: 410, reason: 'Expired' },
  });
  await cluster.clock.advance(60_000);
  expect(cluster.knownNodes()).toEqual([OWN]);
});

test('what is wrong with another Node its own proxy says', async () => {
  cluster.server.add(rawNode('node-3', 'nonsense'));
  await cluster.start();
  expect(cluster.wrong).toEqual([]);
  cluster.server.tell('nodes', rawNode(OWN, 'nonsense'), 'MODIFIED');
  await settle();
  expect(cluster.wrong).toEqual([`Node/${OWN}`]);
});
