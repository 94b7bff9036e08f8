/** Of many Nodes all are read seldom, and looked over in between. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AWAITED_NODES, WATCHED_NODES } from '../../../src/cluster/otherNodes.ts';
import { settle } from '../../support/program/fakeClock.ts';
import { OWN, rawNode, rawService, ReadCluster } from './nodesHarness.ts';
import { apiError } from './scriptedTransport.ts';

let cluster: ReadCluster;

beforeEach(() => {
  cluster = new ReadCluster();
});

afterEach(() => cluster.stop());

describe('in a large cluster', () => {
  beforeEach(() => cluster.server.fill(2 * WATCHED_NODES));

  test('all are read before anything is programmed, and not watched', async () => {
    cluster.server.add(rawNode('node-2', '192.0.2.2'));
    cluster.server.services = [rawService('web', ['192.0.2.2'])];
    await cluster.start();
    expect(cluster.knownNodes()).toEqual([OWN, 'node-2']);
    expect(cluster.told.at(-1)).toBe('synced');
    await cluster.clock.advance(44_000);
    expect(cluster.server.asked).toEqual(['list']);
  });

  describe('a look over all', () => {
    beforeEach(async () => {
      cluster.server.add(rawNode('node-2', '192.0.2.2', '10.244.2.0/24'));
      cluster.server.services = [rawService('web', ['192.0.2.2', '192.0.2.3'], ['10.244.3.77'])];
      await cluster.start();
      cluster.server.asked.length = 0;
    });

    test('reads those alone that it does not know', async () => {
      await cluster.clock.advance(45_000);
      expect(cluster.server.asked).toEqual(['look']);
      cluster.server.add(rawNode('node-3', '192.0.2.3', '10.244.4.0/24'));
      cluster.server.add(rawNode('node-4', '192.0.2.4', '10.244.3.0/24'));
      await cluster.clock.advance(45_000);
      expect(cluster.server.asked).toEqual(['look', 'look', 'node-3', 'node-4']);
      expect(cluster.knownNodes()).toEqual([OWN, 'node-2', 'node-3', 'node-4']);
      await cluster.clock.advance(45_000);
      expect(cluster.server.asked.slice(4)).toEqual(['look']);
    });

    test('sees that one has gone, or has another address', async () => {
      cluster.server.add(rawNode('node-2', '192.0.2.22', '10.244.2.0/24'));
      cluster.server.add(rawNode('other-7', '192.0.2.3', '10.0.7.0/24'));
      cluster.server.nodes.delete('other-8');
      await cluster.clock.advance(45_000);
      expect(cluster.server.asked).toEqual(['look', 'other-7', 'node-2']);
      expect(cluster.knownNodes()).toEqual([OWN, 'other-7']);
      cluster.server.nodes.delete('other-7');
      await cluster.clock.advance(45_000);
      expect(cluster.knownNodes()).toEqual([OWN]);
    });

    test('reads a new one again that has no range of pods yet, once', async () => {
      cluster.server.add(rawNode('node-3', '192.0.2.33'));
      await cluster.clock.advance(45_000);
      cluster.server.add(rawNode('node-3', '192.0.2.33', '10.244.3.0/24'));
      await cluster.clock.advance(45_000);
      expect(cluster.server.asked).toEqual(['look', 'node-3', 'look', 'node-3']);
      expect(cluster.knownNodes()).toEqual([OWN, 'node-2', 'node-3']);
      await cluster.clock.advance(45_000);
      expect(cluster.server.asked.slice(4)).toEqual(['look']);
    });

    test('that finds very many others reads all, as where there is no table', async () => {
      for (let i = 0; i < 100; i++) cluster.server.add(rawNode(`new-${i}`, `192.0.2.${i}`));
      await cluster.clock.advance(45_000);
      expect(cluster.server.asked).toEqual(['look', 'list']);
      expect(cluster.knownNodes()).toEqual(['new-2', 'new-3', OWN, 'node-2']);
      cluster.server.hasTables = false;
      cluster.server.nodes.delete('new-3');
      await cluster.clock.advance(60_000);
      expect(cluster.server.asked.slice(2)).toEqual(['look', 'list']);
      expect(cluster.knownNodes()).toEqual(['new-2', OWN, 'node-2']);
    });

    test('that fails leaves what is known, and comes again', async () => {
      cluster.server.nodesFailure = apiError(503, 'ServiceUnavailable');
      cluster.server.nodes.delete('node-2');
      await cluster.clock.advance(45_000);
      expect(cluster.knownNodes()).toEqual([OWN, 'node-2']);
      expect(cluster.status?.isFailing).toBe(false);
      cluster.server.nodesFailure = undefined;
      await cluster.clock.advance(45_000);
      expect(cluster.knownNodes()).toEqual([OWN]);
      expect(cluster.server.asked).toEqual(['look', 'look']);
    });

    test('is a reading of all after six hours', async () => {
      const both = rawNode('node-2', '192.0.2.2', '10.244.2.0/24');
      const second = { type: 'InternalIP', address: '192.0.2.3' };
      cluster.server.add({ ...both, status: { addresses: [...both.status.addresses, second] } });
      await cluster.clock.advance(21_500_000);
      expect(new Set(cluster.server.asked)).toEqual(new Set(['look']));
      expect(cluster.store.nodes.get('node-2')?.addresses).toEqual(['192.0.2.2']);
      await cluster.clock.advance(150_000);
      expect(cluster.server.asked.filter((each) => each !== 'look')).toEqual(['list']);
      expect(cluster.store.nodes.get('node-2')?.addresses).toEqual(['192.0.2.2', '192.0.2.3']);
    });
  });

  test('an address that is new is looked up in what was read last', async () => {
    cluster.server.add(rawNode('node-2', '192.0.2.2'));
    cluster.server.services = [rawService('web', ['198.51.100.1'])];
    await cluster.start();
    cluster.server.tellService('api', ['192.0.2.2'], ['10.0.7.9']);
    await settle();
    expect(cluster.told.slice(-3)).toEqual(['+Node other-7', '+Node node-2', '+Service shop/api']);
    expect(cluster.server.asked).toEqual(['list']);
  });

  test('the first that is asked for waits until its owner has been looked for', async () => {
    cluster.server.add(rawNode('node-2', '192.0.2.2'));
    await cluster.start();
    cluster.server.tellService('web', ['192.0.2.2']);
    await settle();
    expect(cluster.externalIPsOf('web')).toEqual([]);
    expect(cluster.server.asked).toEqual(['count']);
    await cluster.clock.advance(210);
    expect(cluster.server.asked).toEqual(['count', 'look', 'node-2']);
    expect(cluster.told.slice(-2)).toEqual(['+Node node-2', '+Service shop/web']);
    expect(cluster.externalIPsOf('web')).toEqual(['192.0.2.2']);
    // What rows do not have comes with the reading of all.
    cluster.server.tellService('api', [], ['10.0.7.9']);
    await cluster.clock.advance(1_300);
    expect(cluster.server.asked).toEqual(['count', 'look', 'node-2', 'list']);
    expect(cluster.knownNodes()).toEqual([OWN, 'node-2', 'other-7']);
  });

  test('the first of very many does not wait', async () => {
    cluster.server.fill(AWAITED_NODES + 1);
    cluster.server.add(rawNode('node-2', '192.0.2.2'));
    await cluster.start();
    cluster.server.tellService('web', ['192.0.2.2']);
    await settle();
    expect(cluster.externalIPsOf('web')).toEqual(['192.0.2.2']);
    expect(cluster.knownNodes()).toEqual([OWN]);
    await cluster.clock.advance(5_100);
    expect(cluster.server.asked).toEqual(['count', 'look', 'node-2']);
    expect(cluster.knownNodes()).toEqual([OWN, 'node-2']);
  });

  test('it does not wait for a look that fails, and comes again', async () => {
    await cluster.start();
    cluster.server.tellService('web', ['192.0.2.2']);
    await settle();
    cluster.server.nodesFailure = apiError(503, 'ServiceUnavailable');
    await cluster.clock.advance(210);
    expect(cluster.server.asked).toEqual(['count', 'look']);
    expect(cluster.externalIPsOf('web')).toEqual(['192.0.2.2']);
    cluster.server.nodesFailure = undefined;
    await cluster.clock.advance(1_300);
    expect(cluster.server.asked).toEqual(['count', 'look', 'list']);
  });

  test('the more Nodes, the seldomer they are looked over', async () => {
    cluster.server.fill(5_000);
    cluster.server.services = [rawService('web', ['198.51.100.1'])];
    await cluster.start();
    await cluster.clock.advance(930_000);
    expect(cluster.server.asked).toEqual(['list']);
    await cluster.clock.advance(20_000);
    expect(cluster.server.asked).toEqual(['list', 'look']);
  });
});
