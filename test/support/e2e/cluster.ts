// What every end-to-end test of the whole product stands on: a native etcd and kube-apiserver, a
// lab joined to them, and the built product running in the lab as the proxy of the node `lab-node`.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../../packaging/machine.mjs';
import { ApiServer } from './apiServer.ts';
import type { ClusterObject, ClusterObjects } from './clusterObjects.ts';
import type * as InLab from './inLab.ts';
import { Lab } from '../lab/lab.ts';
import { patience } from '../../lab/patience.ts';

const IN_LAB = 'test/support/e2e/inLab.ts';

export const NODE = 'lab-node';
/** of the node, on vec0; the machine's side of the wire is the API server's */
export const NODE_ADDRESS = '198.18.0.2';
const HEALTH = 'http://127.0.0.1:10256';
const METRICS = 'http://127.0.0.1:10249';

const DEFAULT_FLAGS = [`--hostname-override=${NODE}`, '--cluster-cidr=10.244.0.0/16,fd00:244::/48'];

export class E2eCluster {
  readonly server: ApiServer;
  readonly lab: Lab;
  #runs = 0;

  private constructor(server: ApiServer, lab: Lab) {
    this.server = server;
    this.lab = lab;
  }

  /**
   * Builds the product; starts both servers and the lab; creates the Node. About 10 s.
   *
   * @param apiFlags added to kube-apiserver's
   */
  static async start(apiFlags: readonly string[] = []): Promise<E2eCluster> {
    execFileSync(process.execPath, [join(checkout, 'packaging', 'bundle', 'bundle.ts')]);
    const namespace = `e2e${process.pid}`;
    const server = await ApiServer.start({ namespace, flags: apiFlags });
    try {
      const lab = await Lab.start({ namespace });
      const cluster = new E2eCluster(server, lab);
      await cluster.createNode();
      return cluster;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get objects(): ClusterObjects {
    return this.server.objects;
  }

  async createNode(): Promise<void> {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };
    await this.objects.create({
      ...node,
      metadata: { name: NODE, labels: { 'topology.kubernetes.io/zone': 'zone-a' } },
      spec: { podCIDRs: ['10.244.1.0/24', 'fd00:244:1::/64'] },
    });
    const addresses = [{ type: 'InternalIP', address: NODE_ADDRESS }];
    await this.objects.patch(node, { status: { addresses } }, 'status');
  }

  /**
   * Starts the product and returns at once. @param flags besides the node's name and the pods'
   * ranges
   */
  async start(flags: readonly string[] = this.apiFlags(), env?: Record<string, string>) {
    const name = `run-${++this.#runs}`;
    const logFile = join(this.server.folder, `${name}.log`);
    const argv = ['node', 'dist/kube-ipvs.js', 'run', ...DEFAULT_FLAGS, ...flags];
    const options = { argv, logFile, ...(env === undefined ? {} : { env }) };
    await this.#call<typeof InLab.startProcess>('startProcess', name, options);
    return new ProductRun(this.lab, name, logFile);
  }

  apiFlags(): string[] {
    return [`--kubeconfig=${this.server.writeKubeconfig('lab')}`];
  }

  kernel(): Promise<InLab.KernelText> {
    return this.#call<typeof InLab.kernelText>('kernelText');
  }

  health(path: '/healthz' | '/livez' | '/readyz'): Promise<InLab.HttpText> {
    return this.#call<typeof InLab.httpGet>('httpGet', `${HEALTH}${path}`);
  }

  metricsServer(path: string): Promise<InLab.HttpText> {
    return this.#call<typeof InLab.httpGet>('httpGet', `${METRICS}${path}`);
  }

  /**
   * The value of one series; undefined when it is not there. @param series with its labels:
   * `kubeipvs_problems`
   */
  async metric(series: string): Promise<number | undefined> {
    const { body } = await this.metricsServer('/metrics');
    const line = body.split('\n').find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  /** First sync done. */
  async synced(run: ProductRun): Promise<void> {
    await eventually(() => {
      if (!run.log().includes('"first sync done"')) throw new Error(`not synced:\n${run.log()}`);
    });
  }

  writeInLab(path: string, text: string): Promise<void> {
    return this.#call<typeof InLab.writeText>('writeText', path, text);
  }

  gate = {
    open: () => {
      const { labUrl: url, ca } = this.server;
      return this.#call<typeof InLab.openGate>('openGate', { url, ca });
    },
    set: (rules: Parameters<typeof InLab.setGate>[0]) =>
      this.#call<typeof InLab.setGate>('setGate', rules),
    drop: () => this.#call<typeof InLab.dropGate>('dropGate'),
    counts: () => this.#call<typeof InLab.gateCounts>('gateCounts'),
  };

  timePatch(path: string, patch: unknown, destination: string): Promise<InLab.PatchTimes> {
    const { labUrl: url, token, ca } = this.server;
    return this.#call<typeof InLab.timePatch>(
      'timePatch',
      { url, token, ca },
      path,
      patch,
      destination,
    );
  }

  async deleteAll(objects: readonly ClusterObject[]): Promise<void> {
    await Promise.all(objects.map((object) => this.objects.delete(object)));
  }

  /** Ends the lab with what runs in it, then the servers. */
  async stop(): Promise<void> {
    await this.lab.close();
    await this.server.stop();
  }

  #call<F extends (...args: never[]) => unknown>(name: string, ...args: Parameters<F>) {
    return this.lab.call<F>(IN_LAB, name, ...args);
  }
}

/** One process of the product. */
export class ProductRun {
  readonly #lab: Lab;
  readonly #name: string;
  readonly #logFile: string;

  constructor(lab: Lab, name: string, logFile: string) {
    this.#lab = lab;
    this.#name = name;
    this.#logFile = logFile;
  }

  /** All it has written so far, stdout and stderr. */
  log(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : '';
  }

  /** Waits for its end, after a signal when one is given. @returns the exit code */
  end(signal?: NodeJS.Signals): Promise<number> {
    return signal === undefined
      ? this.#lab.call<typeof InLab.endOf>(IN_LAB, 'endOf', this.#name)
      : this.#lab.call<typeof InLab.endOf>(IN_LAB, 'endOf', this.#name, signal);
  }
}

/**
 * What the kernel holds about one address, `address:port` or port: virtual servers with their
 * destinations, set entries, and `bound` for an address on kube-ipvs0. Sorted.
 */
export function about(kernel: InLab.KernelText, what: string): string[] {
  const escaped = what.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const named = new RegExp(`(?<![\\w.:])\\[?${escaped}(?![\\w.])|:${escaped}(?!\\w)`);
  const servers = Object.entries(kernel.servers)
    .filter(([server]) => named.test(server))
    .map(([server, destinations]) => [`${server}:`, ...destinations.toSorted()].join(' | '));
  const entries = Object.entries(kernel.sets).flatMap(([set, members]) =>
    members.filter((entry) => named.test(entry)).map((entry) => `${set} ${entry}`),
  );
  const isBound = kernel.addresses.some((address) => address.split('/')[0] === what);
  return [...servers, ...entries, ...(isBound ? [`bound ${what}`] : [])].toSorted();
}

/** Repeats until it no longer throws. @throws what it threw last when time is over */
export async function eventually(
  check: () => unknown,
  timeoutMs = patience(30_000),
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
