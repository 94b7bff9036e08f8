/**
 * What is done under load: taking over from kube-proxy, and handing back. Each act tells the flows
 * that were started while it lasted, and what became of them; what is expected is the caller's.
 */
import { eventually, type ProductRun } from '../support/e2e/cluster.ts';
import type { LoadCounts } from './inLab.ts';
import { PATIENCE_MS, type PlannedOperation, type Scene } from './scene.ts';

/** Of one act, from its begin to its end. */
export interface Act {
  readonly name: string;
  readonly seconds: number;
  readonly started: number;
  readonly failed: number;
  readonly slow: number;
  readonly broken: number;
}

/** Runs it, and some load more behind it, whose flows meet what it left. */
export async function act(
  scene: Scene,
  name: string,
  flowsAfter: number,
  perform: () => Promise<unknown>,
): Promise<Act> {
  scene.say(name);
  const before = await scene.loadCounts();
  await perform();
  await scene.loadMore(flowsAfter);
  const after = await scene.loadCounts();
  const done = difference(name, before, after);
  scene.say(
    `${name}: ${done.started} flows in ${done.seconds} s, ${done.failed} failed, ${done.slow} slow, ${done.broken} of ${after.held} held ones broken`,
  );
  return done;
}

function difference(name: string, before: LoadCounts, after: LoadCounts): Act {
  const of = (field: 'started' | 'failed' | 'slow' | 'broken') => after[field] - before[field];
  return {
    name,
    seconds: Math.round((after.elapsedMs - before.elapsedMs) / 1000),
    started: of('started'),
    failed: of('failed'),
    slow: of('slow'),
    broken: of('broken'),
  };
}

export interface Taken {
  readonly run: ProductRun;
  /** what `plan` said beside the running kube-proxy */
  readonly planned: readonly PlannedOperation[];
  /** of the first round */
  readonly operations: number;
  /** what `plan` says afterwards */
  readonly left: readonly PlannedOperation[];
}

/** Ours waits for kube-proxy, which then ends, and makes its first round. */
export async function takeOver(scene: Scene, kubeProxy: ProductRun): Promise<Taken> {
  const planned = await scene.plan();
  const run = await scene.startOurs(['--takeover']);
  await eventually(() => {
    if (!run.log().includes('waiting for another Service proxy to end')) {
      throw new Error(`it does not wait:\n${run.log()}`);
    }
  }, PATIENCE_MS);
  await kubeProxy.end('SIGTERM');
  await scene.synced(run);
  const operations = Number(/"first sync done" .*?operations=(\d+)/.exec(run.log())?.[1] ?? NaN);
  return { run, planned, operations, left: await scene.plan() };
}

/** Ours ends, kube-proxy comes and makes its first round. */
export async function handBack(scene: Scene, ours: ProductRun): Promise<ProductRun> {
  await ours.end('SIGTERM');
  const kubeProxy = await scene.startKubeProxy();
  await scene.synced(kubeProxy);
  return kubeProxy;
}

/**
 * The API server is killed while ours runs, and started again. @throws when ours makes much of it
 */
export async function apiServerAway(scene: Scene, run: ProductRun): Promise<void> {
  const before = { kernel: await scene.kernel(), ready: (await scene.health('/readyz')).status };
  await scene.api.killApi();
  await eventually(() => sourceIs(scene, 0), PATIENCE_MS);
  await scene.loadMore(FLOWS_WITHOUT_API);
  const condition = await scene.metric('kubeipvs_condition{code="SourceNotConnected"}');
  const during = { kernel: await scene.kernel(), ready: (await scene.health('/readyz')).status };
  await scene.api.startApi();
  await eventually(() => sourceIs(scene, 1), PATIENCE_MS);
  if (condition !== 1) throw new Error(`SourceNotConnected is ${condition}:\n${run.log()}`);
  if (during.ready !== before.ready) {
    throw new Error(`/readyz said ${before.ready}, and ${during.ready} without the API server`);
  }
  if (during.kernel !== before.kernel) throw new Error('the kernel changed without the API server');
}

const FLOWS_WITHOUT_API = 200;

async function sourceIs(scene: Scene, wanted: 0 | 1): Promise<void> {
  const connected = await scene.metric('kubeipvs_source_connected');
  if (connected !== wanted) throw new Error(`kubeipvs_source_connected is ${connected}`);
}
