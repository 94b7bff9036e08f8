/** A scripted API server of Nodes and Services, and the source that reads it. */
import { ApiServerSource } from '../../../src/cluster/apiServerSource.ts';
import type { SourceStatus } from '../../../src/cluster/source.ts';
import type { Query, RequestOptions } from '../../../src/cluster/transport.ts';
import { ClusterStore } from '../../../src/model/clusterStore.ts';
import { type Need, NO_NEEDS } from '../../../src/model/kinds.ts';
import { FakeClock, settle } from '../../support/program/fakeClock.ts';
import { listOf, type ScriptedStream, ScriptedTransport } from './scriptedTransport.ts';

export const OWN = 'node-1';

export interface RawNode {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec: { readonly podCIDRs?: readonly string[] };
  readonly status: {
    readonly addresses: readonly { readonly type: string; readonly address: string }[];
  };
}

export function rawNode(name: string, address: string, podCIDR?: string): RawNode {
  return {
    metadata: { name, resourceVersion: '2' },
    spec: podCIDR === undefined ? {} : { podCIDRs: [podCIDR] },
    status: { addresses: [{ type: 'InternalIP', address }] },
  };
}

/** As kube-apiserver prints Nodes, with fewer columns. */
function tableOf(nodes: readonly RawNode[]): object {
  const names = ['Name', 'Status', 'Internal-IP', 'External-IP'];
  const rows = nodes.map(({ metadata: { name }, status: { addresses } }) => {
    const first = (of: string) => addresses.find(({ type }) => type === of)?.address ?? '<none>';
    return { cells: [name, 'Ready', first('InternalIP'), first('ExternalIP')], object: null };
  });
  return { kind: 'Table', columnDefinitions: names.map((name) => ({ name })), rows };
}

export const CLUSTER_IPS = ['10.96.0.10', 'fd00:10:96::10'];

export function rawService(
  name: string,
  externalIPs: readonly string[],
  balancer: readonly string[] = [],
) {
  return {
    metadata: { namespace: 'shop', name, resourceVersion: '2' },
    spec: {
      clusterIP: '10.96.0.10',
      clusterIPs: CLUSTER_IPS,
      externalIPs,
      ports: [{ port: 80 }],
    },
    status: { loadBalancer: { ingress: balancer.map((ip) => ({ ip })) } },
  };
}

/** A cluster of Nodes and Services; notes what is asked of all Nodes. */
export class NodesServer extends ScriptedTransport {
  readonly nodes = new Map<string, RawNode>();
  services: object[] = [];
  nodesFailure: Error | undefined;
  hasTables = true;
  /** `count`, `look`, `list`, `watch`, or the name of one, of others than the own Node */
  readonly asked: string[] = [];
  readonly streamsOf = new Map<string, ScriptedStream>();

  override async getJson(path: string, query: Query, options?: RequestOptions): Promise<unknown> {
    await super.getJson(path, query);
    if (path === '/api/v1/services') return listOf('1', this.services);
    if (path !== '/api/v1/nodes') return listOf('1', []);
    const { fieldSelector, limit } = query;
    const nodes = [...this.nodes.values()];
    if (fieldSelector !== undefined) {
      const name = fieldSelector.replace('metadata.name=', '');
      if (name !== OWN) this.asked.push(name);
      return listOf(
        '1',
        nodes.filter((node) => node.metadata.name === name),
      );
    }
    const isCount = limit === '1';
    const isLook = options?.form === 'Table';
    this.asked.push(isCount ? 'count' : isLook ? 'look' : 'list');
    if (this.nodesFailure !== undefined) throw this.nodesFailure;
    if (isLook && this.hasTables) return tableOf(nodes);
    if (!isCount) return listOf('1', nodes);
    if (options?.form !== 'MetadataOnly') throw new Error('a whole Node was asked for');
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

/** This node, {@link OWN}, at such a server. */
export class ReadCluster {
  readonly clock = new FakeClock();
  readonly server = new NodesServer();
  readonly store = new ClusterStore();
  /** each change, and when everything is known */
  readonly told: string[] = [];
  status: SourceStatus | undefined;
  /** origins of problems */
  readonly wrong: string[] = [];
  readonly #source: ApiServerSource;

  constructor(needs: ReadonlySet<Need> = NO_NEEDS) {
    this.server.add(rawNode(OWN, '192.0.2.1', '10.244.1.0/24'));
    this.#source = new ApiServerSource({
      transport: this.server,
      server: 'https://api:6443',
      timing: this.clock,
      scope: { nodeName: OWN, needs },
      random: () => 0.5,
    });
  }

  async start(): Promise<void> {
    const { store, told, wrong } = this;
    await this.#source.start({
      store,
      onChange: ({ kind, key, object }) =>
        told.push(`${object === undefined ? '-' : '+'}${kind} ${key}`),
      onSynced: () => told.push('synced'),
      onProblems: (origin) => wrong.push(origin),
      onStatus: (next) => {
        this.status = next;
      },
    });
    await settle();
  }

  stop(): Promise<void> {
    return this.#source.stop();
  }

  externalIPsOf(name: string) {
    return this.store.services.get(`shop/${name}`)?.externalIPs;
  }

  balancersOf(name: string) {
    return this.store.services.get(`shop/${name}`)?.loadBalancerIngress.map(({ ip }) => ip);
  }

  knownNodes(): string[] {
    return [...this.store.nodes.keys()].toSorted();
  }
}
