/**
 * What a takeover happens in: a real API server, a lab with a node between pods and the world
 * (inLab.ts), Services of every kind, and the proxies that come and go on that node: the real
 * kube-proxy and the built product.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { clusterCidrs } from '../lab/addressPlan.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { eventually, ProductRun } from '../support/e2e/cluster.ts';
import type * as SupportInLab from '../support/e2e/inLab.ts';
import { Lab } from '../support/lab/lab.ts';
import { findBinary } from '../tools/kubernetes.mjs';
import type * as InLab from './inLab.ts';
import {
  NODE,
  nodeObject,
  nodeStatus,
  targetLines,
  type TestService,
  testServices,
} from './objects.ts';

const IN_LAB = 'test/takeover/inLab.ts';
const SUPPORT_IN_LAB = 'test/support/e2e/inLab.ts';

/** The node's servers, as the lab reaches them. */
const METRICS = `http://${NODE.addresses.IPv4}:10249`;
const HEALTH = `http://${NODE.addresses.IPv4}:10256`;

/** The lab's one CPU also makes the load, and a kube-proxy starts a process for each entry. */
export const PATIENCE_MS = 600_000;

export interface SceneOptions {
  readonly services: number;
  readonly timeoutSec: number;
  /** told what happens */
  readonly say: (text: string) => void;
}

export class Scene {
  readonly api: ApiServer;
  readonly lab: Lab;
  readonly services: readonly TestService[];
  readonly say: (text: string) => void;
  #runs = 0;

  private constructor(api: ApiServer, lab: Lab, { services, say }: SceneOptions) {
    this.api = api;
    this.lab = lab;
    this.services = testServices(services);
    this.say = say;
  }

  /** Builds the product, starts everything, creates the objects. About 20 s. */
  static async open(options: SceneOptions): Promise<Scene> {
    execFileSync(process.execPath, [join(checkout, 'packaging', 'bundle', 'bundle.ts')]);
    const namespace = `takeover${process.pid}`;
    const api = await ApiServer.start({ namespace });
    let lab: Lab | undefined;
    try {
      lab = await Lab.start({ namespace, timeoutSec: options.timeoutSec });
      const scene = new Scene(api, lab, options);
      await scene.#createObjects();
      await scene.#inLab<typeof InLab.buildCluster>('buildCluster');
      return scene;
    } catch (error) {
      await lab?.close();
      await api.stop();
      throw error;
    }
  }

  /** Ends the lab with what runs in it, then the API server. */
  async close(): Promise<void> {
    await this.lab.close();
    await this.api.stop();
  }

  async #createObjects(): Promise<void> {
    const { objects } = this.api;
    await objects.create(nodeObject);
    await objects.patch(nodeObject, { status: nodeStatus }, 'status');
    await objects.createAll(this.services.flatMap((each) => each.objects));
    for (const {
      objects: [service],
      status,
    } of this.services) {
      if (status !== undefined) await objects.patch(service!, { status }, 'status');
    }
  }

  startKubeProxy(): Promise<ProductRun> {
    const binary = findBinary('kube-proxy');
    if (binary === undefined) throw new Error('no kube-proxy: see test/tools/kubernetes.mjs');
    return this.#start('kube-proxy', [binary, '--proxy-mode=ipvs', ...this.flags()]);
  }

  /** @param env added to the process's own */
  startOurs(more: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    return this.#start(
      'kube-ipvs',
      ['node', 'dist/kube-ipvs.js', 'run', ...this.flags(), ...more],
      env,
    );
  }

  /** The same for both proxies. */
  flags(): readonly string[] {
    return [
      `--kubeconfig=${this.api.writeKubeconfig('lab')}`,
      `--hostname-override=${NODE.name}`,
      `--cluster-cidr=${clusterCidrs.IPv4},${clusterCidrs.IPv6}`,
      '--metrics-bind-address=0.0.0.0:10249',
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0',
      '--conntrack-tcp-timeout-close-wait=0',
    ];
  }

  /** What `kube-ipvs plan` would change on the node now, an object an operation. */
  async plan(): Promise<readonly PlannedOperation[]> {
    const argv = [
      'node',
      'dist/kube-ipvs.js',
      'plan',
      '--diff-only',
      '-o',
      'json',
      ...this.flags(),
    ];
    const { status, stdout, stderr } = await this.lab.exec(argv, NODE.name);
    if (status !== 0) throw new Error(`kube-ipvs plan ended with ${status}: ${stderr}`);
    return (JSON.parse(stdout) as { plan: PlannedOperation[] }).plan;
  }

  /** What the node's kernel holds, in the words of its tools. */
  async kernel(): Promise<string> {
    const tools = [
      ['ipvsadm', '-Sn'],
      ['ipset', 'save'],
      ['ip', '-o', 'address', 'show'],
    ];
    const texts = [];
    for (const argv of tools) texts.push((await this.lab.exec(argv, NODE.name)).stdout);
    return texts.join('').split('\n').toSorted().join('\n');
  }

  /** A proxy's first round is over, of both families; ours says so, kube-proxy's metrics do. */
  async synced(run: ProductRun): Promise<void> {
    await eventually(async () => {
      const isDone = run.log().includes('"first sync done"') || (await this.hasKubeProxySynced());
      if (!isDone) throw new Error(`no first round yet:\n${run.log().slice(-2_000)}`);
    }, PATIENCE_MS);
  }

  async hasKubeProxySynced(): Promise<boolean> {
    const { body } = await this.get(`${METRICS}/metrics`);
    const stamps = [
      ...body.matchAll(/^kubeproxy_sync_proxy_rules_last_timestamp_seconds(?:\{.*\})? (\S+)$/gm),
    ];
    return stamps.length > 0 && stamps.every(([, stamp]) => Number(stamp) > 0);
  }

  /** One sample of the proxy's metrics; undefined when it is not there. */
  async metric(series: string): Promise<number | undefined> {
    const { body } = await this.get(`${METRICS}/metrics`);
    const line = body.split('\n').find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  health(path: string): Promise<SupportInLab.HttpText> {
    return this.get(`${HEALTH}${path}`);
  }

  get(url: string): Promise<SupportInLab.HttpText> {
    return this.lab.call<typeof SupportInLab.httpGet>(SUPPORT_IN_LAB, 'httpGet', url);
  }

  startLoad(rate: number, held: number): Promise<void> {
    const file = join(this.api.folder, 'targets');
    writeFileSync(file, targetLines(this.services));
    return this.#inLab<typeof InLab.startLoad>('startLoad', file, rate, held);
  }

  loadCounts(): Promise<InLab.LoadCounts> {
    return this.#inLab<typeof InLab.loadCounts>('loadCounts');
  }

  endLoad(): Promise<InLab.LoadCounts> {
    return this.#inLab<typeof InLab.endLoad>('endLoad');
  }

  /** Until that many flows more have been started. */
  async loadMore(flows: number): Promise<void> {
    const { started } = await this.loadCounts();
    await eventually(async () => {
      const now = await this.loadCounts();
      if (now.started < started + flows)
        throw new Error(`only ${now.started - started} flows more`);
    }, PATIENCE_MS);
  }

  async #start(
    program: string,
    argv: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ProductRun> {
    const name = `${program}-${++this.#runs}`;
    const logFile = join(this.api.folder, `${name}.log`);
    const options = { argv: ['ip', 'netns', 'exec', NODE.name, ...argv], logFile, env };
    const start = 'startProcess';
    await this.lab.call<typeof SupportInLab.startProcess>(SUPPORT_IN_LAB, start, name, options);
    return new ProductRun(this.lab, name, logFile);
  }

  #inLab<F extends (...args: never[]) => unknown>(name: string, ...args: Parameters<F>) {
    return this.lab.call<F>(IN_LAB, name, ...args);
  }
}

/** Of the JSON of `plan`: what tells operations apart by kind; they have more. */
export interface PlannedOperation {
  readonly op: string;
  /** of an entry */
  readonly set?: string;
  /** of a set */
  readonly name?: string;
  readonly family?: string;
  readonly table?: string;
}
