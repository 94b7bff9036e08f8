/**
 * A source connected to a test's API server, what it told so far, and objects to change behind its
 * back.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ApiServerSource } from '../../src/cluster/apiServerSource.ts';
import { ApiClient } from '../../src/cluster/client.ts';
import { loadClusterAccess } from '../../src/cluster/kubeconfig.ts';
import type { SourceStatus } from '../../src/cluster/source.ts';
import type { ApiTransport, Query } from '../../src/cluster/transport.ts';
import { ClusterStore } from '../../src/model/clusterStore.ts';
import { type Need, NO_NEEDS } from '../../src/model/kinds.ts';
import { SystemClock } from '../../src/ops/clock.ts';
import type { ApiServer } from '../support/e2e/apiServer.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';

const clock = new SystemClock();

/** @param user,cluster as kubeconfigs spell them */
export function writeKubeconfig(
  plane: ApiServer,
  name: string,
  user: object,
  cluster: object = {},
): string {
  const file = path.join(plane.folder, name);
  const server = { server: plane.url, 'certificate-authority': 'tls.crt', ...cluster };
  const kubeconfig = {
    clusters: [{ name: 'test', cluster: server }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  writeFileSync(file, JSON.stringify(kubeconfig));
  return file;
}

interface WitnessOptions {
  readonly pageSize?: number;
  readonly silenceMs?: number;
  readonly needs?: ReadonlySet<Need>;
}

/** What a source told, added up as the agent adds it up. */
export class Witness {
  readonly store = new ClusterStore();
  readonly changes: string[] = [];
  readonly statuses: SourceStatus[] = [];
  /** what the source noted for who looks closely */
  readonly notes: string[] = [];
  /** `READ`, `LIST` or `WATCH`, the resource, and not older than what, by request */
  readonly asked: string[] = [];
  synced = 0;
  readonly source: ApiServerSource;
  readonly client: ApiClient;

  constructor(
    kubeconfig: string,
    { pageSize = 500, silenceMs = 30_000, needs = NO_NEEDS }: WitnessOptions = {},
  ) {
    const access = loadClusterAccess({ kubeconfig });
    this.client = new ApiClient({
      access,
      userAgent: 'kube-ipvs/test',
      qps: -1,
      burst: 0,
      timing: clock,
      connectTimeoutMs: silenceMs,
      answerTimeoutMs: silenceMs,
      streamIdleMs: silenceMs * 4,
    });
    this.source = new ApiServerSource({
      transport: this.#recorded(),
      log: (message) => this.notes.push(message),
      server: access.server,
      timing: clock,
      scope: { nodeName: 'node-1', needs },
      random: Math.random,
      pageSize,
    });
  }

  async start(): Promise<void> {
    await this.source.start({
      store: this.store,
      onChange: (change) => {
        this.changes.push(`${change.object === undefined ? '-' : '+'}${change.kind}/${change.key}`);
      },
      onSynced: () => this.synced++,
      onProblems: () => undefined,
      onStatus: (status) => this.statuses.push(status),
    });
  }

  async stop(): Promise<void> {
    await this.source.stop();
    this.client.close();
  }

  /** Of one resource, in order. */
  askedOf(resource: string): readonly string[] {
    return this.asked.filter((each) => each.split(' ')[1] === resource);
  }

  #recorded(): ApiTransport {
    const { client } = this;
    const record = (verb: string, url: string, query: Query) => {
      const { resourceVersion = '', resourceVersionMatch = '' } = query;
      const resource = url.split('/').at(-1)!;
      this.asked.push(`${verb} ${resource} ${resourceVersion} ${resourceVersionMatch}`.trimEnd());
    };
    return {
      getJson: (url, query, options) => {
        record('LIST', url, query);
        return client.getJson(url, query, options);
      },
      openStream: (url, query, options) => {
        record(query['sendInitialEvents'] === 'true' ? 'READ' : 'WATCH', url, query);
        return client.openStream(url, query, options);
      },
      sendJson: (...request) => client.sendJson(...request),
      refreshCredentials: () => client.refreshCredentials(),
    };
  }

  get status(): SourceStatus | undefined {
    return this.statuses.at(-1);
  }

  has(serviceName: string): boolean {
    return this.store.services.has(`default/${serviceName}`);
  }
}

export function service(name: string, spec: object = {}, metadata: object = {}): ClusterObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', ...metadata },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  };
}

export function slice(name: string, ofService: string, address: string): ClusterObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': ofService } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
}

export function node(name: string, metadata: object = {}): ClusterObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, ...metadata },
    spec: { podCIDRs: ['10.244.1.0/24'] },
  };
}
