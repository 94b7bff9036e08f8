/**
 * The product on a node of the lab: `kube-ipvs run` as a process of its own, from its start to its
 * orderly end.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { type Node, clusterCidrs } from '../../lab/addressPlan.ts';
import type { Topology } from '../../lab/topology.ts';
import { patience } from '../../lab/patience.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** The sources take seconds to load, the product that was built outside the lab does not. */
const MAIN =
  process.env['KUBE_IPVS_BUILT'] === '1'
    ? join(ROOT, 'dist', 'kube-ipvs.js')
    : join(ROOT, 'src', 'cli', 'main.ts');
/** About 10 s each in the lab, several times that beside other work. */
const START_TIMEOUT_MS = patience(150_000);

export class ProxyProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #log = '';
  #onLog: () => void = () => {};

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
        this.#onLog();
      });
    }
  }

  /**
   * Started and its first sync done. The nodes share the lab's file tree, so each proxy gets a
   * /run/kube-ipvs of its own: `ip netns exec` has put it into a mount namespace of its own
   * already.
   *
   * @throws with the log, when it ends instead, or when anything could not be programmed
   */
  static async start(
    topology: Topology,
    node: Node,
    manifests: string,
    flags: readonly string[] = [],
  ): Promise<ProxyProcess> {
    const script = 'mkdir -p /run/kube-ipvs && mount -t tmpfs tmpfs /run/kube-ipvs && exec "$@"';
    const argv = [
      'sh',
      '-c',
      script,
      'sh',
      process.execPath,
      MAIN,
      'run',
      '--manifests',
      manifests,
      `--hostname-override=${node.name}`,
      `--cluster-cidr=${clusterCidrs.IPv4},${clusterCidrs.IPv6}`,
      ...flags,
    ];
    const proxy = new ProxyProcess(topology.spawn(node, argv, 'pipe'));
    try {
      await proxy.#synced(node.name);
      return proxy;
    } catch (error) {
      await proxy.stop();
      throw error;
    }
  }

  /** All it has written. */
  get log(): string {
    return this.#log;
  }

  /** To it and the programs that it has started. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(-this.#child.pid!, signal);
  }

  /**
   * Ends it, in order unless it is killed; what it programmed stays.
   *
   * @param signal default SIGTERM
   */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal);
    await this.#ended;
  }

  #synced(name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (what: string) => {
        clearTimeout(timer);
        reject(new Error(`kube-ipvs on ${name} ${what}:\n${this.#log}`));
      };
      const timer = setTimeout(() => fail('did not sync in time'), START_TIMEOUT_MS);
      void this.#ended.then(() => fail('ended'));
      this.#onLog = () => {
        const line = /^.*first sync done.*\n/m.exec(this.#log)?.[0];
        if (line === undefined) return;
        clearTimeout(timer);
        if (/\bfailed"?[=:]0\b/.test(line)) resolve();
        else fail('could not program everything');
      };
    });
  }
}
