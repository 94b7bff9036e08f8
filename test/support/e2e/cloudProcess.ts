// A cloud beside a test's API server: upstream's service controller over balancers of our own
// (test/tools/kubernetes/cloud), with the rights that Kubernetes gives it. The test asks it what
// was asked of it, and may let it wait.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCloud } from '../../tools/cloud.mjs';
import type { ApiServer } from './apiServer.ts';
import { ClusterProcess } from './clusterProcess.ts';

/** What upstream's controller asked of the cloud. */
export interface CloudRecord {
  readonly operation: 'ensure' | 'update' | 'delete';
  /** `default/web` */
  readonly service: string;
  /** names, sorted */
  readonly nodes: readonly string[];
}

export interface CloudBalancer {
  readonly address: string;
  /** names, sorted */
  readonly nodes: readonly string[];
  /** those that traffic goes to; empty where the cloud does not forward */
  readonly healthy: readonly string[];
  /** that it has joined with one to a node, so far */
  readonly connections: number;
}

export interface CloudOptions {
  readonly plane: ApiServer;
  /** a prefix, lowest first */
  readonly addresses: string;
  /** of its account, {@link cloudToken} */
  readonly token: string;
  /** where the API server runs, and the addresses are; forwards traffic then */
  readonly forwardingIn?: string;
}

const startTimeoutMs = 60_000;
let started = 0;

export class CloudProcess {
  readonly #process: ClusterProcess;
  readonly #host: string;
  #url = '';

  private constructor({ plane, addresses, token, forwardingIn }: CloudOptions) {
    const path = findCloud();
    if (path === undefined) throw new Error('no cloud: run npm test -- e2e, which builds it');
    // From us: the API server's, where that is in a namespace of its own, too.
    this.#host = forwardingIn === undefined ? '127.0.0.1' : new URL(plane.url).hostname;
    const flags = [
      `--kubeconfig=${plane.writeKubeconfig('here', token, 'cloud')}`,
      `--listen=${this.#host}:0`,
      `--addresses=${addresses}`,
      `--forward=${forwardingIn !== undefined}`,
      '--v=2',
    ];
    const log = join(plane.folder, `cloud-${++started}.log`);
    this.#process = new ClusterProcess('cloud', [path, ...flags], log, forwardingIn);
  }

  /** It knows nothing of balancers that a former one had. */
  static async start(options: CloudOptions): Promise<CloudProcess> {
    const cloud = new CloudProcess(options);
    await cloud.#process.ready(async () => {
      const [, port] = new RegExp(`^${cloud.#host}:(\\d+)$`, 'm').exec(cloud.log()) ?? [];
      cloud.#url = `http://${cloud.#host}:${port}`;
      return port !== undefined && Array.isArray(await cloud.records());
    }, startTimeoutMs);
    return cloud;
  }

  log(): string {
    return readFileSync(this.#process.logFile, 'utf8');
  }

  /** In the order in which they began. */
  records(): Promise<readonly CloudRecord[]> {
    return this.#ask('GET', 'records');
  }

  /** By Service. */
  balancers(): Promise<Readonly<Record<string, CloudBalancer>>> {
    return this.#ask('GET', 'balancers');
  }

  /** Whatever is asked of the cloud from now on waits until {@link CloudProcess.goOn}. */
  async hold(): Promise<void> {
    await this.#ask('POST', 'hold');
  }

  async goOn(): Promise<void> {
    await this.#ask('POST', 'go-on');
  }

  /** What was asked of it: `ensure default/web`, in any order. */
  waiting(): Promise<readonly string[]> {
    return this.#ask('GET', 'waiting');
  }

  stop(): Promise<void> {
    return this.#process.end('SIGKILL');
  }

  async #ask<T>(method: string, path: string): Promise<T> {
    const response = await fetch(`${this.#url}/${path}`, { method });
    if (!response.ok) throw new Error(`cloud: ${method} ${path}: ${response.status}`);
    return (await response.json()) as T;
  }
}

/** An account with the role that Kubernetes has for upstream's controller. @returns its token */
export async function cloudToken({ objects }: ApiServer): Promise<string> {
  const metadata = { name: 'cloud', namespace: 'kube-system' };
  await objects.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  const group = 'rbac.authorization.k8s.io';
  await objects.create({
    apiVersion: `${group}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'cloud' },
    roleRef: {
      apiGroup: group,
      kind: 'ClusterRole',
      name: 'system:controller:service-controller',
    },
    subjects: [{ kind: 'ServiceAccount', ...metadata }],
  });
  const path = '/api/v1/namespaces/kube-system/serviceaccounts/cloud/token';
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status, text } = await objects.request('POST', path, request);
  if (status >= 300) throw new Error(`POST ${path}: ${status} ${text}`);
  return (JSON.parse(text) as { readonly status: { readonly token: string } }).status.token;
}
