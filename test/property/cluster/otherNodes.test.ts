/**
 * Whatever comes in whatever order: of other Nodes those are known that have an address, or pods
 * around one, that some Service asks for, and the Services are known as they are.
 */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { settle } from '../../support/program/fakeClock.ts';
import { OWN, rawNode, rawService, ReadCluster } from '../../unit/cluster/nodesHarness.ts';

const SEED = Number(process.env['KUBE_IPVS_SEED'] ?? 20_261_130);
const RUNS = Number(process.env['KUBE_IPVS_RUNS'] ?? 200);

const ADDRESSES = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '10.244.2.9', '10.244.3.9', 'fd00::3'];
const RANGES = [undefined, '10.244.2.0/24', '10.244.3.0/24', '10.244.0.0/16'];
const names = (prefix: string) => fc.constantFrom('a', 'b', 'c', 'd').map((each) => prefix + each);

const acts = fc.oneof(
  fc.record({
    act: fc.constant('node' as const),
    name: names('node-'),
    address: fc.constantFrom(...ADDRESSES),
    range: fc.constantFrom(...RANGES),
  }),
  fc.record({ act: fc.constant('node gone' as const), name: names('node-') }),
  fc.record({
    act: fc.constant('service' as const),
    name: names('service-'),
    addresses: fc.uniqueArray(fc.constantFrom(...ADDRESSES), { maxLength: 2 }),
    isBalancer: fc.boolean(),
  }),
  fc.record({ act: fc.constant('service gone' as const), name: names('service-') }),
  fc.record({ act: fc.constant('time' as const), ms: fc.constantFrom(10, 1_000, 70_000) }),
);

type Act = typeof acts extends fc.Arbitrary<infer A> ? A : never;

const covers = (range: string | undefined, address: string) =>
  range !== undefined && address.startsWith(range.replace(/(\.0)*\/\d+$/, '.'));

class Truth {
  readonly nodes = new Map<string, { readonly address: string; readonly range?: string }>();
  readonly services = new Map<string, readonly string[]>();

  get owners(): string[] {
    const asked = [...this.services.values()].flat();
    return [...this.nodes]
      .filter(([, { address, range }]) =>
        asked.some((each) => each === address || covers(range, each)),
      )
      .map(([name]) => name)
      .toSorted();
  }
}

async function perform(act: Act, cluster: ReadCluster, truth: Truth): Promise<void> {
  const { server, clock } = cluster;
  switch (act.act) {
    case 'node': {
      const node = rawNode(act.name, act.address, act.range);
      server.add(node);
      server.streamsOf.get('nodes')?.send({ type: 'MODIFIED', object: node });
      truth.nodes.set(act.name, {
        address: act.address,
        ...(act.range === undefined ? {} : { range: act.range }),
      });
      break;
    }
    case 'node gone':
      server.nodes.delete(act.name);
      truth.nodes.delete(act.name);
      server.streamsOf.get('nodes')?.send({ type: 'DELETED', object: rawNode(act.name, '') });
      break;
    case 'service':
      server.tellService(
        act.name,
        act.isBalancer ? [] : act.addresses,
        act.isBalancer ? act.addresses : [],
      );
      truth.services.set(act.name, act.addresses);
      break;
    case 'service gone':
      server.tell('/api/v1/services', rawService(act.name, []), 'DELETED');
      truth.services.delete(act.name);
      break;
    case 'time':
      await clock.advance(act.ms);
  }
  await settle();
}

test('the owners of what is asked for are known, and nobody else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { maxLength: 25 }), async (all) => {
      const cluster = new ReadCluster();
      const truth = new Truth();
      await cluster.start();
      for (const act of all) await perform(act, cluster, truth);
      await cluster.clock.advance(2_000);
      expect(cluster.knownNodes()).toEqual([...truth.owners, OWN].toSorted());
      for (const [name, addresses] of truth.services) {
        const known = [cluster.externalIPsOf(name), cluster.balancersOf(name)].flat();
        expect(known.map(String).toSorted()).toEqual(addresses.toSorted());
      }
      expect(cluster.store.services.size).toBe(truth.services.size);
      await cluster.stop();
    }),
    { seed: SEED, numRuns: RUNS },
  );
}, 120_000);
