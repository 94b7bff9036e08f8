/**
 * Restarts under load, in turn by SIGTERM, by SIGKILL and by a crash in the middle of what a start
 * does (crashing.cjs). Before each the cluster changes, so that every start has something to write:
 * a pod of other Services goes, and a Service that nobody loads takes the place of the one before.
 */
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { eventually, type ProductRun } from '../support/e2e/cluster.ts';
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { service, slice } from '../support/e2e/objects.ts';
import { PODS, type TestService, webEndpoint } from './objects.ts';
import { PATIENCE_MS, type Scene } from './scene.ts';

const WAYS = ['SIGTERM', 'SIGKILL', 'crash'] as const;

/** A start that finds nothing to do sends about as many. */
const MESSAGES_OF_A_START = 30;

const CHANGED_SERVICES = 5;

export interface Restarts {
  readonly bySigterm: number;
  readonly bySigkill: number;
  readonly byCrash: number;
  /** the messages before which it crashed: `17 netlink` */
  readonly crashedBefore: readonly string[];
  /** the last process, which runs */
  readonly run: ProductRun;
}

/** @param random 0 ≤ x < 1, seeded by whoever wants to see the same again */
export async function restart(
  scene: Scene,
  first: ProductRun,
  count: number,
  random: () => number,
): Promise<Restarts> {
  const counts = { SIGTERM: 0, SIGKILL: 0, crash: 0 };
  const crashedBefore: string[] = [];
  const change = new Change(scene, random);
  let run = first;
  for (let i = 0; i < count; i++) {
    const way = WAYS[i % WAYS.length]!;
    counts[way]++;
    if (way === 'crash') {
      await run.end('SIGKILL');
      await change.next();
      const crashed = await crash(scene, 1 + Math.floor(random() * MESSAGES_OF_A_START));
      if (crashed !== undefined) crashedBefore.push(crashed);
    } else {
      await run.end(way);
      await change.next();
    }
    run = await scene.startOurs();
    await scene.synced(run);
    if (i % 10 === 9) scene.say(`${i + 1} restarts`);
  }
  await change.undo();
  const { SIGTERM: bySigterm, SIGKILL: bySigkill, crash: byCrash } = counts;
  return { bySigterm, bySigkill, byCrash, crashedBefore, run };
}

/** A start that crashes, or is killed where it sent fewer messages. @returns `17 netlink` */
async function crash(scene: Scene, at: number): Promise<string | undefined> {
  const run = await scene.startOurs([], {
    NODE_OPTIONS: `--require ${join(checkout, 'test', 'takeover', 'crashing.cjs')}`,
    KUBE_IPVS_CRASH_AT: String(at),
  });
  let hasEnded = false;
  void run.end().then(() => (hasEnded = true));
  const hasSynced = () => run.log().includes('"first sync done"');
  await eventually(() => {
    if (!hasEnded && !hasSynced()) throw new Error(`no end yet:\n${run.log()}`);
  }, PATIENCE_MS);
  await run.end('SIGKILL');
  const crashed = /crashing before message (\d+): (\S+)/.exec(run.log())?.slice(1).join(' ');
  if (crashed === undefined && !hasSynced()) throw new Error(`it ended otherwise:\n${run.log()}`);
  return crashed;
}

/** What is otherwise in the cluster after each restart. */
class Change {
  readonly #scene: Scene;
  readonly #random: () => number;
  readonly #plain: readonly TestService[];
  #reduced: readonly TestService[] = [];
  #extra: readonly ClusterObject[] = [];
  #steps = 0;

  constructor(scene: Scene, random: () => number) {
    this.#scene = scene;
    this.#random = random;
    this.#plain = scene.services.filter(({ kind }) =>
      /^(cluster-ip|node-port|udp|load-balancer)$/.test(kind),
    );
  }

  async next(): Promise<void> {
    const step = ++this.#steps;
    await this.#restore();
    this.#reduced = Array.from({ length: CHANGED_SERVICES }, () => this.#any());
    for (const each of this.#reduced) await this.#setPods(each, PODS.slice(0, -1));
    const name = `extra-${step}`;
    const address = `10.96.200.${step % 250}`;
    await this.#removeExtra();
    this.#extra = [service(name, { clusterIP: address }), slice(`${name}-1`)];
    for (const object of this.#extra) await this.#scene.api.objects.create(object);
  }

  async undo(): Promise<void> {
    await this.#restore();
    await this.#removeExtra();
  }

  #any(): TestService {
    return this.#plain[Math.floor(this.#random() * this.#plain.length)]!;
  }

  async #restore(): Promise<void> {
    for (const each of this.#reduced) await this.#setPods(each, PODS);
    this.#reduced = [];
  }

  async #removeExtra(): Promise<void> {
    for (const object of this.#extra) await this.#scene.api.objects.delete(object);
    this.#extra = [];
  }

  #setPods({ objects: [, sliceOfIt] }: TestService, pods: typeof PODS) {
    const endpoints = pods.map((pod) => webEndpoint(pod, 'IPv4'));
    return this.#scene.api.objects.patch(sliceOfIt!, { endpoints });
  }
}
