import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ApiServerSource } from '../../../src/cluster/apiServerSource.ts';
import type { KindStatus, SourceStatus } from '../../../src/cluster/source.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { type AnyKind, KINDS, NO_NEEDS } from '../../../src/model/kinds.ts';
import type { Query } from '../../../src/cluster/transport.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { apiError, listOf, rawService, ScriptedTransport } from './scriptedTransport.ts';

/** Answers each path by itself, so that kinds can fail one by one. */
class Server extends ScriptedTransport {
  readonly lists = new Map<string, object | Error>([
    ['/api/v1/services', listOf('1', [rawService('web', '1')])],
    ['/apis/discovery.k8s.io/v1/endpointslices', listOf('1', [])],
    ['/api/v1/nodes', listOf('1', [])],
  ]);

  override async getJson(path: string, query: Query): Promise<unknown> {
    await super.getJson(path, query);
    const found = this.lists.get(path);
    if (found instanceof Error) throw found;
    return found;
  }
}

const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';
const rawSlice = {
  metadata: {
    namespace: 'default',
    name: 'web-1',
    labels: { 'kubernetes.io/service-name': 'web' },
  },
  addressType: 'IPv4',
};

let clock: FakeClock;
let server: Server;
let source: ApiServerSource;
let told: string[];
let statuses: SourceStatus[];

beforeEach(() => {
  clock = new FakeClock();
  server = new Server();
  told = [];
  statuses = [];
  source = new ApiServerSource({
    transport: server,
    server: 'https://api:6443',
    timing: clock,
    scope: { nodeName: 'node-1', needs: NO_NEEDS },
    random: () => 0.999,
  });
});

afterEach(() => source.stop());

async function start(): Promise<void> {
  await source.start({
    store: new ClusterStore(),
    onChange: (change) => told.push(`${change.kind} ${change.key}`),
    onSynced: () => told.push('synced'),
    onProblems: (origin) => told.push(`problems ${origin}`),
    onStatus: (status) => statuses.push(status),
  });
  await settle();
}

describe('ApiServerSource', () => {
  test('is synced once, after the last of the lists', async () => {
    server.lists.set('/api/v1/nodes', apiError(0, 'ECONNRESET'));
    await start();
    expect(told).toEqual(['Service default/web']);
    server.lists.set('/api/v1/nodes', listOf('1', [{ metadata: { name: 'n1' } }]));
    await clock.advance(1000);
    expect(told).toEqual(['Service default/web', 'Node n1', 'synced']);
    for (const stream of server.streams) stream.break('ECONNRESET');
    await clock.advance(1000);
    expect(told.filter((line) => line === 'synced')).toHaveLength(1);
  });

  test('is not failing while its first lists are awaited', async () => {
    const nodes = Promise.withResolvers<unknown>();
    const getJson = server.getJson.bind(server);
    server.getJson = (path, query) =>
      path.includes('nodes') ? nodes.promise : getJson(path, query);
    await start();
    expect(statuses.at(-1)).toEqual({
      isConnected: false,
      isFailing: false,
      detail: 'listing nodes at https://api:6443',
    });
    expect(told).toEqual(['Service default/web']);
    nodes.resolve(listOf('1', []));
    await settle();
    expect(statuses.at(-1)?.isConnected).toBe(true);
  });

  test('tells a status once', async () => {
    await start();
    const count = statuses.length;
    const known = new Set(statuses.map((status) => JSON.stringify(status)));
    expect(known.size).toBe(count);
  });

  test('is started once', async () => {
    await start();
    await expect(async () => start()).rejects.toThrow('the source was started already');
  });

  test('says in one line what it watches and where', async () => {
    await start();
    expect(statuses.at(-1)).toEqual({
      isConnected: true,
      isFailing: false,
      detail: 'watching services, endpointslices, nodes at https://api:6443',
    });
  });

  test('a server that is away is told once for all kinds, with the time since when', async () => {
    for (const path of server.lists.keys())
      server.lists.set(path, apiError(0, 'ECONNREFUSED', 'connect ECONNREFUSED'));
    await start();
    expect(statuses.at(-1)).toEqual({
      isConnected: false,
      isFailing: true,
      detail:
        'list services: connect ECONNREFUSED; retry in 0.2 s; likewise endpointslices, nodes; ' +
        'failing since 2026-11-24T15:04:05.678Z (https://api:6443)',
    });
    await clock.advance(60_000);
    expect(statuses.at(-1)?.detail).toContain('failing since 2026-11-24T15:04:05.678Z');
    expect(told).toEqual([]);
  });

  test('a missing right is named while the other kinds go on', async () => {
    server.lists.set('/apis/discovery.k8s.io/v1/endpointslices', apiError(403, 'Forbidden'));
    await start();
    expect(told).toEqual(['Service default/web']);
    expect(statuses.at(-1)?.isConnected).toBe(false);
    expect(statuses.at(-1)?.detail).toContain(
      'lacks the verb "list" on "endpointslices" in API group "discovery.k8s.io"',
    );
    server.lists.set('/apis/discovery.k8s.io/v1/endpointslices', listOf('1', []));
    await clock.advance(1000);
    expect(statuses.at(-1)?.isConnected).toBe(true);
    expect(told).toContain('synced');
  });

  test('different failures are all told, with the time since the first', async () => {
    server.lists.set('/api/v1/services', apiError(500, 'InternalError', 'etcd is away'));
    await start();
    server.lists.set('/api/v1/services', apiError(500, 'InternalError', 'etcd is away'));
    const sinceFirst = statuses.at(-1)?.detail.match(/since .*Z/)?.[0];
    await clock.advance(2_000);
    for (const stream of server.streams) stream.break('ECONNRESET');
    await settle();
    const { detail = '' } = statuses.at(-1) ?? {};
    expect(detail).toMatch(
      /^list services: etcd is away; retry in .* s \| watch endpointslices: broken: ECONNRESET; retry in .* s; likewise nodes; failing since .* \(https:\/\/api:6443\)$/,
    );
    expect(detail).toContain(`failing ${sinceFirst}`);
  });

  test('asks for all three kinds, without what is none of its business', async () => {
    await start();
    const labelSelector =
      '!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless';
    const selectors = new Map(
      server.requests.map(({ path, query }) => [
        path,
        [query['labelSelector'], query['fieldSelector']],
      ]),
    );
    expect([...selectors]).toEqual([
      ['/api/v1/services', [labelSelector, 'spec.clusterIP!=None,spec.type!=ExternalName']],
      ['/apis/discovery.k8s.io/v1/endpointslices', [labelSelector, undefined]],
      ['/api/v1/nodes', [undefined, undefined]],
    ]);
  });

  test('a deleted Service and a deleted Node are told by name', async () => {
    const node = { metadata: { name: 'n1', resourceVersion: '2' } };
    server.lists.set('/api/v1/nodes', listOf('1', [node]));
    const changes: unknown[] = [];
    await source.start({
      store: new ClusterStore(),
      onChange: (change) => changes.push(change),
      onSynced: () => changes.splice(0),
      onProblems: () => undefined,
      onStatus: () => undefined,
    });
    await settle();
    const watches = server.requests.filter(({ method }) => method === 'WATCH');
    for (const [i, { path }] of watches.entries()) {
      const object = path.endsWith('services') ? rawService('web', '3') : node;
      if (!path.endsWith('slices')) server.streams[i]?.send({ type: 'DELETED', object });
      await settle();
    }
    expect(changes).toMatchObject([
      { kind: 'Service', key: 'default/web', object: undefined, before: { name: 'web' } },
      { kind: 'Node', key: 'n1', object: undefined, before: { name: 'n1' } },
    ]);
  });

  test('a deleted slice names the Service it belonged to', async () => {
    const slice = {
      metadata: {
        namespace: 'default',
        name: 'web-1',
        resourceVersion: '2',
        labels: { 'kubernetes.io/service-name': 'web' },
      },
      addressType: 'IPv4',
      ports: [],
      endpoints: [],
    };
    server.lists.set('/apis/discovery.k8s.io/v1/endpointslices', listOf('1', [slice]));
    const changes: unknown[] = [];
    await source.start({
      store: new ClusterStore(),
      onChange: (change) => changes.push(change),
      onSynced: () => undefined,
      onProblems: () => undefined,
      onStatus: () => undefined,
    });
    await settle();
    const at = server.requests
      .filter((request) => request.method === 'WATCH')
      .findIndex((request) => request.path.includes('endpointslices'));
    server.streams[at]?.send({ type: 'DELETED', object: slice });
    await settle();
    expect(changes.at(-1)).toMatchObject({
      kind: 'EndpointSlice',
      key: 'default/web-1',
      object: undefined,
      before: { service: 'default/web' },
    });
  });
});

describe('a kind that only a feature needs', () => {
  const kinds: readonly AnyKind[] = [
    KINDS.Service,
    KINDS.Node,
    { ...KINDS.EndpointSlice, isRequired: false },
  ];
  let kindStatuses: KindStatus[];

  beforeEach(async () => {
    server.lists.set('/api/v1/nodes', listOf('1', [{ metadata: { name: 'node-1' } }]));
    kindStatuses = [];
    const timing = clock;
    source = new ApiServerSource({
      transport: server,
      server: 'https://api:6443',
      timing,
      scope: { nodeName: 'node-1', needs: NO_NEEDS },
      kinds,
      random: () => 0.999,
    });
  });

  const startFor = async () => {
    await source.start({
      store: new ClusterStore(),
      onChange: (change) => told.push(`${change.kind} ${change.key}`),
      onSynced: () => told.push('synced'),
      onProblems: (origin) => told.push(`problems ${origin}`),
      onStatus: (status) => statuses.push(status),
      onKindStatus: (status) => kindStatuses.push(status),
    });
    await settle();
  };

  test.each([
    [
      403,
      'Forbidden',
      /lacks the verb "list" on "endpointslices".*; bind it to a ClusterRole with that/,
    ],
    [
      404,
      'NotFound',
      /the server has no "endpointslices" in API group "discovery.k8s.io"; install what defines it, or/,
    ],
  ])('and that is refused (%d %s) holds up nobody', async (status, reason, failure) => {
    server.lists.set(SLICES, apiError(status, reason));
    await startFor();
    expect(told).toEqual(['Service default/web', 'Node node-1', 'synced']);
    expect(statuses.at(-1)).toEqual({
      isConnected: true,
      isFailing: false,
      detail: 'watching services, nodes at https://api:6443',
    });
    expect(kindStatuses).toEqual([
      { kind: 'EndpointSlice', isListed: false, failure: expect.stringMatching(failure) },
    ]);
  });

  test('is asked for once a minute while it is refused, and told when it is there', async () => {
    server.lists.set(SLICES, apiError(403, 'Forbidden'));
    await startFor();
    const asked = () => server.requests.filter(({ path }) => path === SLICES).length;
    await clock.advance(59_000);
    expect(asked()).toBe(1);
    server.lists.set(SLICES, listOf('1', [rawSlice]));
    await clock.advance(1_000);
    expect(told.slice(3)).toEqual(['EndpointSlice default/web-1']);
    expect(kindStatuses.at(-1)).toEqual({ kind: 'EndpointSlice', isListed: true });
  });

  test('does not wait longer than others when the server is only away', async () => {
    server.lists.set(SLICES, apiError(0, 'ECONNRESET'));
    await startFor();
    server.lists.set(SLICES, listOf('1', []));
    await clock.advance(250);
    expect(kindStatuses.map(({ isListed }) => isListed)).toEqual([false, true]);
  });
});
