/**
 * A node that may give out load balancer addresses: the feature as the agent runs it, at a real API
 * server, without a kernel. Its account has the rights of the chart's roles and no others.
 */
import { ClusterFeed } from '../../src/agent/clusterFeed.ts';
import { FeatureSet } from '../../src/agent/featureSet.ts';
import { askedFeatures, FEATURES, needsOf } from '../../src/agent/features.ts';
import { EVENT_RIGHTS } from '../../src/cluster/events.ts';
import { LEASE_RIGHTS } from '../../src/cluster/leaseElector.ts';
import type { ApiTransport } from '../../src/cluster/transport.ts';
import type { LoadBalancerSettings } from '../../src/config/loadBalancer/settings.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { emptyState } from '../../src/dataplane/state.ts';
import { openSource } from '../../src/inputs/source.ts';
import { LEASE } from '../../src/loadbalancer/shell/allocatorFeature.ts';
import { STATUS_RIGHTS } from '../../src/loadbalancer/shell/failingServices.ts';
import { kindsFor, type Need } from '../../src/model/kinds.ts';
import { FAMILIES } from '../../src/net/family.ts';
import { SystemClock } from '../../src/ops/clock.ts';
import { Conditions } from '../../src/ops/conditions.ts';
import { Metrics } from '../../src/ops/metrics.ts';
import type { ApiServer } from '../support/e2e/apiServer.ts';
import { hostNetwork } from '../support/objects/nodeFixtures.ts';
import { exampleObservation } from '../support/program/exampleObservation.ts';
import { FakeLog } from '../support/program/fakeLog.ts';
import { writeKubeconfig } from './witness.ts';

const VERSION = { gitVersion: 'v1', gitCommit: '', buildDate: '', nodeVersion: '', platform: '' };
const ACCOUNT = 'allocator';
const clock = new SystemClock();

export interface AllocatorNodeOptions {
  readonly plane: ApiServer;
  readonly name: string;
  readonly settings: LoadBalancerSettings;
  /** of its Lease */
  readonly namespace?: string;
  /** of its account */
  readonly token: string;
}

export class AllocatorNode {
  readonly log = new FakeLog(2);
  readonly conditions = new Conditions({ known: [], tellers: [], clock });
  /** of Services, that it has sent: `default/web` */
  readonly patched: string[] = [];
  /** Called before each patch of a Service. */
  beforePatch: (key: string) => Promise<void> = () => Promise.resolve();
  readonly #namespace: string;
  readonly #features: FeatureSet;
  readonly #feed: ClusterFeed;
  readonly #opened: ReturnType<typeof openSource>;

  constructor({ plane, name, settings, namespace = 'default', token }: AllocatorNodeOptions) {
    this.#namespace = namespace;
    const { config } = resolveConfig({ flags: new Map(), isInCluster: true });
    const rows = FEATURES.filter((row) => row.name === 'load-balancer-allocator');
    const asked = askedFeatures(rows, { ...config!, features: { loadBalancer: settings } });
    const metrics = new Metrics({
      families: FAMILIES,
      version: VERSION,
      observe: exampleObservation,
      hasProcessMetrics: false,
    });
    const { log, conditions } = this;
    const kubeconfig = writeKubeconfig(plane, `${name}-kubeconfig`, { token });
    const { requests } = metrics;
    this.#opened = openSource(
      { kind: 'apiServer', kubeconfig, master: '', qps: -1, burst: 0 },
      { nodeName: name, needs: needsOf(asked), version: 'test', clock, log, env: {}, requests },
    );
    const { events } = this.#opened;
    const surroundings = { nodeName: name, log, clock, metrics, conditions, events };
    this.#features = new FeatureSet({
      asked,
      surroundings: { ...surroundings, api: this.#recorded(), isHealthy: () => true },
    });
    this.#feed = new ClusterFeed(name, '0.0.0.0', {
      onChange: (change) => this.#features.changed(change),
      onProblems: () => undefined,
      onStatus: () => undefined,
      onKindStatus: (status) => this.#features.kindStatus(status),
    });
  }

  async start(): Promise<this> {
    const feed = this.#feed;
    // As the chart tells a pod; read when the feature starts.
    process.env['POD_NAMESPACE'] = this.#namespace;
    await this.#features.start({
      cluster: feed.store,
      synced: feed.synced,
      listed: (kind) => feed.listed(kind),
      desired: () => undefined,
      programmed: emptyState,
      network: hostNetwork,
      isConnected: () => true,
      onHeldBack: () => undefined,
    });
    await this.#opened.source.start(feed);
    return this;
  }

  get isAllocator(): boolean {
    const lines = this.log.lines.filter((line) => line.includes('gives out load balancer'));
    return lines.at(-1)?.includes('this node gives') === true;
  }

  async stop(): Promise<void> {
    await this.#features.stop();
    await this.#opened.close();
  }

  #recorded(): ApiTransport {
    const api = this.#opened.api!;
    return {
      getJson: (...request) => api.getJson(...request),
      openStream: (...request) => api.openStream(...request),
      refreshCredentials: () => api.refreshCredentials(),
      sendJson: async (method, path, ...rest) => {
        const [, namespace, name] = /namespaces\/(.+)\/services\/(.+)\/status$/.exec(path) ?? [];
        if (name !== undefined) {
          this.patched.push(`${namespace}/${name}`);
          await this.beforePatch(`${namespace}/${name}`);
        }
        return api.sendJson(method, path, ...rest);
      },
    };
  }
}

/** An account with what the allocator is to need, Lease and all. @returns its token */
export async function allocatorToken(
  { objects }: ApiServer,
  needs: readonly Need[],
): Promise<string> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const kinds = kindsFor({ needs: new Set(needs) });
  const ruleOf = (right: { group: string; resource: string; verbs: readonly string[] }) => ({
    apiGroups: [right.group],
    resources: [right.resource],
    verbs: right.verbs,
  });
  const leases = { apiGroups: [LEASE_RIGHTS.group], resources: [LEASE_RIGHTS.resource] };
  const account = [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: 'default' }];
  const group = 'rbac.authorization.k8s.io';
  const make = async (path: string, body: object) => {
    const { status, text } = await objects.request('POST', path, body);
    if (status >= 300) throw new Error(`POST ${path}: ${status} ${text}`);
    return JSON.parse(text) as { readonly status: { readonly token: string } };
  };
  const metadata = { name: ACCOUNT };
  await make('/api/v1/namespaces/default/serviceaccounts', { metadata });
  await make(`${rbac}/clusterroles`, {
    metadata,
    rules: [...kinds, EVENT_RIGHTS, STATUS_RIGHTS].map(ruleOf),
  });
  await make(`${rbac}/clusterrolebindings`, {
    metadata,
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: ACCOUNT },
    subjects: account,
  });
  for (const namespace of ['default', 'kube-system']) {
    const folder = `${rbac}/namespaces/${namespace}`;
    await make(`${folder}/roles`, {
      metadata,
      rules: [
        { ...leases, verbs: LEASE_RIGHTS.verbsOfAll },
        { ...leases, resourceNames: [LEASE], verbs: LEASE_RIGHTS.verbs },
      ],
    });
    await make(`${folder}/rolebindings`, {
      metadata,
      roleRef: { apiGroup: group, kind: 'Role', name: ACCOUNT },
      subjects: account,
    });
  }
  const path = `/api/v1/namespaces/default/serviceaccounts/${ACCOUNT}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  return (await make(path, request)).status.token;
}
