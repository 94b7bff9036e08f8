/** One proxy at one size: a new API server and a new lab, so that none finds what others left. */
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { Lab } from '../support/lab/lab.ts';
import { type Figures, quantile } from './figures.ts';
import type * as InLab from './inLab.ts';
import {
  benchNode,
  benchNodeStatus,
  benchService,
  benchSlice,
  lastAddress,
  NODE_NAME,
  type Size,
} from './objects.ts';

export interface Effort {
  /** at most; fewer where a proxy takes long for each */
  readonly changes: number;
  readonly idleSec: number;
}

export interface Proxy {
  readonly name: string;
  readonly command: readonly string[];
}

const PAUSE_MS = 200;
/** For all changes; a proxy that takes seconds for each has shown so after this. */
const CHANGES_LIMIT_MS = 180_000;
const FEWEST_CHANGES = 10;

const flags = (kubeconfig: string) => [
  `--kubeconfig=${kubeconfig}`,
  `--hostname-override=${NODE_NAME}`,
  '--proxy-mode=ipvs',
  '--cluster-cidr=10.244.0.0/16',
  '--conntrack-max-per-core=0',
  '--conntrack-tcp-timeout-established=0',
  '--conntrack-tcp-timeout-close-wait=0',
];

export async function measure(proxy: Proxy, size: Size, effort: Effort): Promise<Figures> {
  const tell = (text: string) =>
    console.error(`${proxy.name}, ${size.services} × ${size.endpoints}: ${text}`);
  const namespace = `bench-${process.pid}`;
  const api = await ApiServer.start({ namespace });
  try {
    tell('API server is up, creating objects');
    await createObjects(api, size);
    const lab = await Lab.start({ namespace, timeoutSec: 3600 });
    try {
      const argv = [...proxy.command, ...flags(api.writeKubeconfig('lab'))];
      return await new Bench(api, lab, size, effort, tell).run(proxy.name, argv);
    } finally {
      await lab.close();
    }
  } finally {
    await api.stop();
  }
}

async function createObjects(api: ApiServer, size: Size): Promise<void> {
  const indexes = Array.from({ length: size.services }, (_, i) => i);
  await api.objects.create(benchNode);
  await api.objects.patch(benchNode, benchNodeStatus, 'status');
  await api.objects.createAll(indexes.map(benchService));
  await api.objects.createAll(indexes.map((index) => benchSlice(index, size)));
}

type Exports = Omit<typeof InLab, 'default'>;

class Bench {
  readonly #api: ApiServer;
  readonly #lab: Lab;
  readonly #size: Size;
  readonly #effort: Effort;
  readonly #tell: (text: string) => void;

  constructor(api: ApiServer, lab: Lab, size: Size, effort: Effort, tell: (text: string) => void) {
    this.#api = api;
    this.#lab = lab;
    this.#size = size;
    this.#effort = effort;
    this.#tell = tell;
  }

  async run(proxy: string, argv: readonly string[]): Promise<Figures> {
    const log = join(checkout, '.cache', `bench-${proxy}.log`);
    const { services } = this.#size;
    await this.#inLab('prepareNode');
    const first = await this.#inLab('start', argv, log, services);
    this.#tell(`first sync after ${first.firstSyncMs} ms`);
    const cpuAtFirst = await this.#inLab('cpuSeconds');
    const times = await this.#changes();
    const cpuBefore = await this.#inLab('cpuSeconds');
    this.#tell(`${times.length} changes, median ${quantile(times, 0.5).toFixed(1)} ms`);
    await new Promise((resolve) => setTimeout(resolve, this.#effort.idleSec * 1000));
    const cpuIdle = (await this.#inLab('cpuSeconds')) - cpuBefore;
    const memory = await this.#inLab('memory');
    await this.#inLab('stop');
    const again = await this.#inLab('start', argv, log, services);
    const writes = await this.#inLab('metric', 'kubeipvs_kernel_writes_total');
    await this.#inLab('stop');
    return {
      proxy,
      ...this.#size,
      ...first,
      change: { count: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99) },
      changeCpuMs: (1000 * (cpuBefore - cpuAtFirst)) / times.length,
      idlePercent: (100 * cpuIdle) / this.#effort.idleSec,
      ...memory,
      restartMs: again.firstSyncMs,
      ...(Number.isFinite(writes) ? { restartWrites: writes } : {}),
    };
  }

  /** Each moves the last endpoint of the next Service to where none has been. */
  async #changes(): Promise<readonly number[]> {
    const { labUrl, token, ca } = this.#api;
    const clusterIps = await this.#clusterIps();
    const { services } = this.#size;
    const times: number[] = [];
    const until = performance.now() + CHANGES_LIMIT_MS;
    for (let n = 0; n < this.#effort.changes; n++) {
      if (n >= FEWEST_CHANGES && performance.now() > until) break;
      const index = n % services;
      const slice = benchSlice(index, this.#size, 1 + Math.floor(n / services));
      const server = `${clusterIps.get(`s${index}`)}:80/TCP`;
      const address = { url: labUrl, token, ca };
      times.push(await this.#inLab('change', address, slice, server, lastAddress(slice)));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return times;
  }

  async #clusterIps(): Promise<ReadonlyMap<string, string>> {
    const items = await this.#api.objects.list('v1', 'Service');
    return new Map(
      items.map(({ metadata, spec }) => [metadata.name, (spec as { clusterIP: string }).clusterIP]),
    );
  }

  #inLab<Name extends keyof Exports>(
    name: Name,
    ...args: Parameters<Exports[Name]>
  ): Promise<Awaited<ReturnType<Exports[Name]>>> {
    return this.#lab.call('test/bench/inLab.ts', name, ...(args as never[])) as never;
  }
}
