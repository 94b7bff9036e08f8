// kube-ipvs on each node: the built product as an operator would start it, in the node's network
// namespace and with a /run/kube-ipvs of its own (the namespaces share the rest of the file tree).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { clusterCidrs, type Node } from '../../test/lab/addressPlan.ts';
import { checkout } from '../../packaging/machine.mjs';
import type { Cluster } from './cluster.ts';
import type { Report } from './report.ts';
import type { DemoServices } from './services.ts';

export const product = join(checkout, 'dist', 'kube-ipvs.js');

const readyTimeoutMs = 60_000;
/** A scrape costs the proxies more in the lab than it would elsewhere. */
const pollMs = 300;

const launch = `
mkdir -p /run/kube-ipvs
mount -t tmpfs tmpfs /run/kube-ipvs
log=$1; shift
exec "$@" >"$log" 2>&1`;

export interface ProxySetting {
  readonly cluster: Cluster;
  readonly services: DemoServices;
  /** for their logs */
  readonly folder: string;
  readonly report: Report;
}

export class Proxy {
  readonly node: Node;
  readonly logFile: string;
  readonly #start: () => ChildProcess;
  #process: ChildProcess;
  #exit: string | undefined;

  constructor({ cluster, folder }: ProxySetting, node: Node, flags: readonly string[]) {
    this.node = node;
    this.logFile = join(folder, `${node.name}.log`);
    const argv = [
      'sh',
      '-ec',
      launch,
      'sh',
      this.logFile,
      process.execPath,
      product,
      'run',
      ...flags,
    ];
    this.#start = () => {
      const started = cluster.topology.spawn(node, argv, 'ignore');
      started.on('exit', (status, signal) => (this.#exit = String(signal ?? status)));
      return started;
    };
    this.#process = this.#start();
  }

  /** SIGKILL: it has no time for anything. Resolves when it has ended. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Until everything is programmed, as at first. */
  async startAgain(): Promise<void> {
    this.#exit = undefined;
    this.#process = this.#start();
    await this.ready();
  }

  /**
   * Until everything is programmed: its health server says "healthy" from the start (as
   * kube-proxy's), so its metrics are asked for the end of the first round.
   *
   * @throws with the log when that does not come
   */
  async ready() {
    const deadline = performance.now() + readyTimeoutMs;
    for (;;) {
      const lastRound = await this.metric('kubeproxy_sync_proxy_rules_last_timestamp_seconds');
      if (lastRound !== undefined && lastRound > 0) return;
      const isLate = performance.now() > deadline;
      if (this.#exit !== undefined || isLate) {
        const what = isLate ? `not ready after ${readyTimeoutMs} ms` : `ended (${this.#exit})`;
        throw new Error(`kube-ipvs on ${this.node.name} ${what}:\n${this.lastLines()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** Status of its health server; undefined when it does not answer. */
  healthz(): Promise<number | undefined> {
    const url = `http://${this.node.addresses.IPv4}:10256/healthz`;
    return fetch(url).then(
      ({ status }) => status,
      () => undefined,
    );
  }

  /** The least value that its metrics show for a name; undefined when it is not there. */
  async metric(name: string): Promise<number | undefined> {
    const url = `http://${this.node.addresses.IPv4}:10249/metrics`;
    const text = await fetch(url).then(
      (response) => response.text(),
      () => '',
    );
    const values = metricValues(text, name);
    return values.length === 0 ? undefined : Math.min(...values);
  }

  /**
   * The virtual servers of its node, as the kernel prints them in hexadecimal: read without a
   * process.
   */
  virtualServers(): string {
    return readFileSync(`/proc/${this.#process.pid}/net/ip_vs`, 'utf8');
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  lastLines(count = 15): string {
    return this.log().trimEnd().split('\n').slice(-count).join('\n');
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    return new Promise((resolve) => {
      if (this.#exit !== undefined) return resolve();
      this.#process.once('exit', () => resolve());
      this.#process.kill(signal);
    });
  }
}

/** A flag and its value on one line. */
function flagLines(flags: readonly string[]): string[] {
  return flags.flatMap((flag, i) => {
    if (!flag.startsWith('-')) return [];
    const next = flags[i + 1];
    return [next === undefined || next.startsWith('-') ? flag : `${flag} ${next}`];
  });
}

/** @param text in the form of Prometheus; @returns the values of one metric, whatever its labels */
export function metricValues(text: string, name: string): number[] {
  return text.split('\n').flatMap((line) => {
    const [, found, value] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
    return found === name ? [Number(value)] : [];
  });
}

export async function startProxies(setting: ProxySetting): Promise<readonly Proxy[]> {
  const { cluster, services, report } = setting;
  const shared = [
    ...services.flags,
    `--cluster-cidr=${clusterCidrs.IPv4},${clusterCidrs.IPv6}`,
    '--nodeport-addresses=primary',
    '--metrics-bind-address=0.0.0.0:10249',
    `--features=${join(checkout, 'demo', 'features.yml')}`,
    '-v=1',
  ];
  report.note('On each node runs:');
  report.block(['kube-ipvs run --hostname-override=NODE', ...flagLines(shared)].join(' \\\n  '));
  const beganMs = performance.now();
  const proxies = cluster.topology.nodes.map(
    (node) => new Proxy(setting, node, [`--hostname-override=${node.name}`, ...shared]),
  );
  await Promise.all(proxies.map((proxy) => proxy.ready()));
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
  report.note(`Both nodes are programmed ${seconds} s after the start of the processes.`);
  return proxies;
}
