/** What has to be known of Nodes that are not this one is read when a Service makes it matter. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { settle } from '../../support/program/fakeClock.ts';
import { CLUSTER_IPS, OWN, rawNode, rawService, ReadCluster } from './nodesHarness.ts';
import { apiError } from './scriptedTransport.ts';

let cluster: ReadCluster;

beforeEach(() => {
  cluster = new ReadCluster();
});

afterEach(() => cluster.stop());

describe('where no Service asks for an address that nobody allocated', () => {
  test('no other Node is read', async () => {
    cluster.server.fill(3);
    cluster.server.services = [rawService('web', [])];
    await cluster.start();
    await cluster.clock.advance(3_600_000);
    expect(cluster.told).toEqual(['+Service shop/web', `+Node ${OWN}`, 'synced']);
    expect(cluster.server.asked).toEqual([]);
  });

  test('one that asks for none any more is forgotten with the Nodes that mattered', async () => {
    cluster.server.add(rawNode('node-2', '192.0.2.2'));
    cluster.server.services = [rawService('web', ['192.0.2.2'])];
    await cluster.start();
    expect(cluster.knownNodes()).toEqual([OWN, 'node-2']);
    cluster.server.tellService('web', []);
    await settle();
    await cluster.clock.advance(60_000);
    expect(cluster.knownNodes()).toEqual([OWN]);
    expect(cluster.told).toContain('-Node node-2');
    cluster.server.tell('nodes', rawNode('node-3', '192.0.2.3'));
    await cluster.clock.advance(3_600_000);
    expect(cluster.knownNodes()).toEqual([OWN]);
  });
});

describe('in a small cluster', () => {
  test('the owners of what is asked for are known before anything is programmed', async () => {
    cluster.server.add(
      rawNode('node-2', '192.0.2.2'),
      rawNode('node-3', '192.0.2.3', '10.244.3.0/24'),
    );
    cluster.server.fill(5);
    cluster.server.services = [rawService('web', ['192.0.2.2'], ['10.244.3.77'])];
    await cluster.start();
    expect(cluster.told.at(-1)).toBe('synced');
    expect(cluster.knownNodes()).toEqual([OWN, 'node-2', 'node-3']);
    expect(cluster.store.nodes.get('node-3')?.podCIDRs).toEqual(['10.244.3.0/24']);
    expect(cluster.server.asked).toEqual(['list', 'watch']);
  });

  test('a Node that comes later counts at once, and one that goes', async () => {
    cluster.server.services = [rawService('web', ['192.0.2.9'])];
    await cluster.start();
    cluster.server.tell('nodes', rawNode('node-8', '192.0.2.8'));
    cluster.server.tell('nodes', rawNode('node-9', '192.0.2.9'));
    await settle();
    expect(cluster.told.slice(-2)).toEqual(['synced', '+Node node-9']);
    cluster.server.tell('nodes', rawNode('node-9', '192.0.2.99'), 'MODIFIED');
    await settle();
    expect(cluster.told.at(-1)).toBe('-Node node-9');
    expect(cluster.knownNodes()).toEqual([OWN]);
  });

  test('the first address that is asked for waits until its owner is known', async () => {
    cluster.server.add(rawNode('node-2', '192.0.2.2'));
    await cluster.start();
    cluster.server.nodesFailure = apiError(503, 'ServiceUnavailable');
    cluster.server.tellService('web', ['192.0.2.2', '198.51.100.1'], ['203.0.113.1']);
    await settle();
    expect(cluster.externalIPsOf('web')).toEqual([]);
    expect(cluster.balancersOf('web')).toEqual([]);
    expect(cluster.store.services.get('shop/web')?.clusterIPs).toEqual(CLUSTER_IPS);
    cluster.server.nodesFailure = undefined;
    await cluster.clock.advance(20_000);
    expect(cluster.externalIPsOf('web')).toEqual(['192.0.2.2', '198.51.100.1']);
    expect(cluster.balancersOf('web')).toEqual(['203.0.113.1']);
    // Whoever compiles the Service knows the owner by then.
    expect(cluster.told.slice(-2)).toEqual(['+Node node-2', '+Service shop/web']);
  });

  test('what waits is what the Service asks for now', async () => {
    await cluster.start();
    cluster.server.nodesFailure = apiError(503, 'ServiceUnavailable');
    cluster.server.tellService('web', ['192.0.2.2']);
    cluster.server.tellService('api', ['192.0.2.3']);
    await settle();
    cluster.server.tellService('web', ['192.0.2.3']);
    cluster.server.tell('/api/v1/services', rawService('api', []), 'DELETED');
    await settle();
    expect(cluster.externalIPsOf('web')).toEqual([]);
    cluster.server.nodesFailure = undefined;
    await cluster.clock.advance(20_000);
    expect(cluster.externalIPsOf('web')).toEqual(['192.0.2.3']);
    expect(cluster.store.services.has('shop/api')).toBe(false);
  });

  test('later ones do not wait, their owners are told before them', async () => {
    cluster.server.add(rawNode('node-2', '192.0.2.2'));
    cluster.server.services = [rawService('web', ['198.51.100.1'])];
    await cluster.start();
    const { length } = cluster.told;
    cluster.server.tellService('api', ['192.0.2.2']);
    await settle();
    expect(cluster.told.slice(length)).toEqual(['+Node node-2', '+Service shop/api']);
    expect(cluster.externalIPsOf('api')).toEqual(['192.0.2.2']);
    expect(cluster.server.asked).toEqual(['list', 'watch']);
  });

  test('what stays asked for stays watched, by one watch', async () => {
    cluster.server.services = [rawService('web', ['198.51.100.1'])];
    await cluster.start();
    await cluster.clock.advance(290_000);
    expect(cluster.server.asked).toEqual(['list', 'watch']);
  });

  test('a reading of this Node leaves the others', async () => {
    cluster.server.add(rawNode('node-2', '192.0.2.2'));
    cluster.server.services = [rawService('web', ['192.0.2.2'])];
    await cluster.start();
    const own = cluster.server.requests.findLast(
      ({ path, query }) => path === '/api/v1/nodes' && query['fieldSelector'] !== undefined,
    );
    expect(own?.method).toBe('WATCH');
    cluster.server.streamsOf.get('/api/v1/nodes')!.send({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' },
    });
    await cluster.clock.advance(20_000);
    expect(cluster.knownNodes()).toEqual([OWN, 'node-2']);
    expect(cluster.told.filter((line) => line.startsWith('-'))).toEqual([]);
  });
});

test('while this Node is not there, all the others are known: one of them may be meant', async () => {
  cluster.server.nodes.delete(OWN);
  cluster.server.add(rawNode('node-1.example.net', '192.0.2.1'));
  await cluster.start();
  expect(cluster.knownNodes()).toEqual(['node-1.example.net']);
  expect(cluster.told.at(-1)).toBe('synced');
  cluster.server.tell('/api/v1/nodes', rawNode(OWN, '192.0.2.1'));
  await settle();
  expect(cluster.knownNodes()).toEqual([OWN]);
});

test('that they cannot be read is told, and holds up the first round', async () => {
  cluster.server.nodesFailure = apiError(503, 'ServiceUnavailable', 'overloaded');
  cluster.server.services = [rawService('web', ['198.51.100.1'])];
  await cluster.start();
  expect(cluster.told).not.toContain('synced');
  expect(cluster.status?.isFailing).toBe(true);
  expect(cluster.status?.detail).toContain('list nodes: overloaded');
  cluster.server.nodesFailure = undefined;
  await cluster.clock.advance(20_000);
  expect(cluster.told.at(-1)).toBe('synced');
  expect(cluster.status?.detail).toBe(
    'watching services, endpointslices, nodes at https://api:6443',
  );
});
