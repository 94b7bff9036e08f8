/** What has to be known of Nodes that are not this one is read when a Service makes it matter. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ApiServerSource } from '../../../src/cluster/apiServerSource.ts';
import { WATCHED_NODES } from '../../../src/cluster/otherNodes.ts';
import type { SourceStatus } from '../../../src/cluster/source.ts';
import type { Query, RequestOptions } from '../../../src/cluster/transport.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { NO_NEEDS } from '../../../src/model/kinds.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { apiError, listOf, type ScriptedStream, ScriptedTransport } from './scriptedTransport.ts';

const OWN = 'node-1';

interface RawNode {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

function rawNode(name: string, address: string, podCIDR?: string): RawNode {
  return {
    metadata: { name, resourceVersion: '2' },
    spec: podCIDR === undefined ? {} : { podCIDRs: [podCIDR] },
    status: { addresses: [{ type: 'InternalIP', address }] },
  } as RawNode;
}

function rawService(
  name: string,
  externalIPs: readonly string[],
  balancer: readonly string[] = [],
) {
  return {
    metadata: { namespace: 'shop', name, resourceVersion: '2' },
    spec: {
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10'],
      externalIPs,
      ports: [{ port: 80 }],
    },
    status: { loadBalancer: { ingress: balancer.map((ip) => ({ ip })) } },
  };
}

/** A cluster of Nodes and Services; notes what is asked of all Nodes. */
class Server extends ScriptedTransport {
  readonly nodes = new Map<string, RawNode>();
  services: object[] = [];
  nodesFailure: Error | undefined;
  /** `count`, `list`, `watch`, of more than the own Node */
  readonly asked: string[] = [];
  readonly streamsOf = new Map<string, ScriptedStream>();

  override async getJson(path: string, query: Query, options?: RequestOptions): Promise<unknown> {
    await super.getJson(path, query);
    if (path === '/api/v1/services') return listOf('1', this.services);
    if (path !== '/api/v1/nodes') return listOf('1', []);
    const { fieldSelector, limit } = query;
    if (fieldSelector !== undefined) {
      if (fieldSelector !== `metadata.name=${OWN}`) throw new Error(fieldSelector);
      return listOf(
        '1',
        [...this.nodes.values()].filter(({ metadata }) => metadata.name === OWN),
      );
    }
    const isCount = limit === '1';
    this.asked.push(isCount ? 'count' : 'list');
    if (this.nodesFailure !== undefined) throw this.nodesFailure;
    const nodes = [...this.nodes.values()];
    if (!isCount) return listOf('1', nodes);
    if (options?.isMetadataOnly !== true) throw new Error('a whole Node was asked for');
    const metadata = { resourceVersion: '1', remainingItemCount: nodes.length - 1 };
    return { metadata, items: nodes.slice(0, 1) };
  }

  override async openStream(path: string, query: Query, options: RequestOptions = {}) {
    const stream = await super.openStream(path, query, options);
    const isOfAll = path === '/api/v1/nodes' && query['fieldSelector'] === undefined;
    if (isOfAll) this.asked.push('watch');
    this.streamsOf.set(isOfAll ? 'nodes' : path, stream as ScriptedStream);
    return stream;
  }

  add(...nodes: readonly RawNode[]): void {
    for (const node of nodes) this.nodes.set(node.metadata.name, node);
  }

  /** So many more, which nobody asks for. */
  fill(count: number): void {
    for (let i = 0; i < count; i++)
      this.add(
        rawNode(`other-${i}`, `172.16.${i >> 8}.${i & 255}`, `10.${i >> 8}.${i & 255}.0/24`),
      );
  }

  /** A Service comes or changes, or a Node does. */
  tell(of: string, object: object, type = 'ADDED'): void {
    this.streamsOf.get(of)!.send({ type, object });
  }

  tellService(...service: Parameters<typeof rawService>): void {
    this.tell('/api/v1/services', rawService(...service));
  }
}

let clock: FakeClock;
let server: Server;
let store: ClusterStore;
let source: ApiServerSource;
let told: string[];
let status: SourceStatus | undefined;

beforeEach(() => {
  clock = new FakeClock();
  server = new Server();
  server.add(rawNode(OWN, '192.0.2.1', '10.244.1.0/24'));
  store = new ClusterStore();
  told = [];
  source = new ApiServerSource({
    transport: server,
    server: 'https://api:6443',
    timing: clock,
    scope: { nodeName: OWN, needs: NO_NEEDS },
    random: () => 0.5,
  });
});

afterEach(() => source.stop());

async function start(): Promise<void> {
  await source.start({
    store,
    onChange: ({ kind, key, object }) =>
      told.push(`${object === undefined ? '-' : '+'}${kind} ${key}`),
    onSynced: () => told.push('synced'),
    onProblems: () => undefined,
    onStatus: (next) => {
      status = next;
    },
  });
  await settle();
}

const externalIPsOf = (name: string) => store.services.get(`shop/${name}`)?.externalIPs;
const balancersOf = (name: string) =>
  store.services.get(`shop/${name}`)?.loadBalancerIngress.map(({ ip }) => ip);
const knownNodes = () => [...store.nodes.keys()].toSorted();

describe('where no Service asks for an address that nobody allocated', () => {
  test('no other Node is read', async () => {
    server.fill(3);
    server.services = [rawService('web', [])];
    await start();
    await clock.advance(3_600_000);
    expect(told).toEqual(['+Service shop/web', `+Node ${OWN}`, 'synced']);
    expect(server.asked).toEqual([]);
  });

  test('one that asks for none any more is forgotten with the Nodes that mattered', async () => {
    server.add(rawNode('node-2', '192.0.2.2'));
    server.services = [rawService('web', ['192.0.2.2'])];
    await start();
    expect(knownNodes()).toEqual([OWN, 'node-2']);
    server.tellService('web', []);
    await settle();
    await clock.advance(60_000);
    expect(knownNodes()).toEqual([OWN]);
    expect(told.at(-1)).toBe('-Node node-2');
    server.tell('nodes', rawNode('node-3', '192.0.2.3'));
    await clock.advance(3_600_000);
    expect(knownNodes()).toEqual([OWN]);
  });
});

describe('in a small cluster', () => {
  test('the owners of what is asked for are known before anything is programmed', async () => {
    server.add(rawNode('node-2', '192.0.2.2'), rawNode('node-3', '192.0.2.3', '10.244.3.0/24'));
    server.fill(5);
    server.services = [rawService('web', ['192.0.2.2'], ['10.244.3.77'])];
    await start();
    expect(told.at(-1)).toBe('synced');
    expect(knownNodes()).toEqual([OWN, 'node-2', 'node-3']);
    expect(store.nodes.get('node-3')?.podCIDRs).toEqual(['10.244.3.0/24']);
    expect(server.asked).toEqual(['list', 'watch']);
  });

  test('a Node that comes later counts at once, and one that goes', async () => {
    server.services = [rawService('web', ['192.0.2.9'])];
    await start();
    server.tell('nodes', rawNode('node-8', '192.0.2.8'));
    server.tell('nodes', rawNode('node-9', '192.0.2.9'));
    await settle();
    expect(told.slice(-2)).toEqual(['synced', '+Node node-9']);
    server.tell('nodes', rawNode('node-9', '192.0.2.99'), 'MODIFIED');
    await settle();
    expect(told.at(-1)).toBe('-Node node-9');
    expect(knownNodes()).toEqual([OWN]);
  });

  test('the first address that is asked for waits until its owner is known', async () => {
    server.add(rawNode('node-2', '192.0.2.2'));
    await start();
    server.nodesFailure = apiError(503, 'ServiceUnavailable');
    server.tellService('web', ['192.0.2.2', '198.51.100.1'], ['203.0.113.1']);
    await settle();
    expect(externalIPsOf('web')).toEqual([]);
    expect(balancersOf('web')).toEqual([]);
    expect(store.services.get('shop/web')?.clusterIPs).toEqual(['10.96.0.10']);
    server.nodesFailure = undefined;
    await clock.advance(20_000);
    expect(externalIPsOf('web')).toEqual(['192.0.2.2', '198.51.100.1']);
    expect(balancersOf('web')).toEqual(['203.0.113.1']);
    // Whoever compiles the Service knows the owner by then.
    expect(told.slice(-2)).toEqual(['+Node node-2', '+Service shop/web']);
  });

  test('what waits is what the Service asks for now', async () => {
    await start();
    server.nodesFailure = apiError(503, 'ServiceUnavailable');
    server.tellService('web', ['192.0.2.2']);
    server.tellService('api', ['192.0.2.3']);
    await settle();
    server.tellService('web', ['192.0.2.3']);
    server.tell('/api/v1/services', rawService('api', []), 'DELETED');
    await settle();
    expect(externalIPsOf('web')).toEqual([]);
    server.nodesFailure = undefined;
    await clock.advance(20_000);
    expect(externalIPsOf('web')).toEqual(['192.0.2.3']);
    expect(store.services.has('shop/api')).toBe(false);
  });

  test('later ones do not wait, their owners are told before them', async () => {
    server.add(rawNode('node-2', '192.0.2.2'));
    server.services = [rawService('web', ['198.51.100.1'])];
    await start();
    const { length } = told;
    server.tellService('api', ['192.0.2.2']);
    await settle();
    expect(told.slice(length)).toEqual(['+Node node-2', '+Service shop/api']);
    expect(externalIPsOf('api')).toEqual(['192.0.2.2']);
    expect(server.asked).toEqual(['list', 'watch']);
  });

  test('what stays asked for stays watched, by one watch', async () => {
    server.services = [rawService('web', ['198.51.100.1'])];
    await start();
    await clock.advance(290_000);
    expect(server.asked).toEqual(['list', 'watch']);
  });

  test('a reading of this Node leaves the others', async () => {
    server.add(rawNode('node-2', '192.0.2.2'));
    server.services = [rawService('web', ['192.0.2.2'])];
    await start();
    const own = server.requests.findLast(
      ({ path, query }) => path === '/api/v1/nodes' && query['fieldSelector'] !== undefined,
    );
    expect(own?.method).toBe('WATCH');
    server.streamsOf.get('/api/v1/nodes')!.send({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' },
    });
    await clock.advance(20_000);
    expect(knownNodes()).toEqual([OWN, 'node-2']);
    expect(told.filter((line) => line.startsWith('-'))).toEqual([]);
  });
});

describe('in a large cluster', () => {
  beforeEach(() => server.fill(2 * WATCHED_NODES));

  test('all are read before anything is programmed, and not watched', async () => {
    server.add(rawNode('node-2', '192.0.2.2'));
    server.services = [rawService('web', ['192.0.2.2'])];
    await start();
    expect(knownNodes()).toEqual([OWN, 'node-2']);
    expect(told.at(-1)).toBe('synced');
    await clock.advance(40_000);
    expect(server.asked).toEqual(['list']);
    server.add(rawNode('node-3', '192.0.2.3'));
    server.nodes.delete('node-2');
    await clock.advance(10_000);
    expect(server.asked).toEqual(['list', 'list']);
    expect(knownNodes()).toEqual([OWN]);
  });

  test('an address that is new is looked up in what was read last', async () => {
    server.add(rawNode('node-2', '192.0.2.2'));
    server.services = [rawService('web', ['198.51.100.1'])];
    await start();
    server.tellService('api', ['192.0.2.2'], ['10.0.7.9']);
    await settle();
    expect(told.slice(-3)).toEqual(['+Node other-7', '+Node node-2', '+Service shop/api']);
    expect(server.asked).toEqual(['list']);
  });

  test('the first that is asked for is served, and all are read after a while by chance', async () => {
    server.add(rawNode('node-2', '192.0.2.2'));
    await start();
    server.tellService('web', ['192.0.2.2']);
    await settle();
    expect(externalIPsOf('web')).toEqual(['192.0.2.2']);
    expect(server.asked).toEqual(['count']);
    await clock.advance(1_000);
    expect(server.asked).toEqual(['count']);
    await clock.advance(1_000);
    expect(server.asked).toEqual(['count', 'list']);
    expect(knownNodes()).toEqual([OWN, 'node-2']);
  });

  test('the more Nodes, the seldomer they are read', async () => {
    server.fill(1_000);
    server.services = [rawService('web', ['198.51.100.1'])];
    await start();
    await clock.advance(740_000);
    expect(server.asked).toEqual(['list']);
    await clock.advance(20_000);
    expect(server.asked).toEqual(['list', 'list']);
  });
});

test('while this Node is not there, all the others are known: one of them may be meant', async () => {
  server.nodes.delete(OWN);
  server.add(rawNode('node-1.example.net', '192.0.2.1'));
  await start();
  expect(knownNodes()).toEqual(['node-1.example.net']);
  expect(told.at(-1)).toBe('synced');
  server.tell('/api/v1/nodes', rawNode(OWN, '192.0.2.1'));
  await settle();
  expect(knownNodes()).toEqual([OWN]);
});

test('that they cannot be read is told, and holds up the first round', async () => {
  server.nodesFailure = apiError(503, 'ServiceUnavailable', 'overloaded');
  server.services = [rawService('web', ['198.51.100.1'])];
  await start();
  expect(told).not.toContain('synced');
  expect(status?.isFailing).toBe(true);
  expect(status?.detail).toContain('list nodes: overloaded');
  server.nodesFailure = undefined;
  await clock.advance(20_000);
  expect(told.at(-1)).toBe('synced');
  expect(status?.detail).toBe('watching services, endpointslices, nodes at https://api:6443');
});
