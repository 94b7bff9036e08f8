/**
 * Everything that `/metrics` shows, in one registry of its own. What a metric means is told where
 * it is defined.
 */
import { Registry } from 'prom-client';
import type { Family } from '../net/family.ts';
import { registerConditions } from './conditionMetric.ts';
import { EventLoopMetrics } from './eventLoopMetrics.ts';
import { KubeproxyMetrics } from './kubeproxyMetrics.ts';
import { type BuildVersion, registerBuildInfo, registerProcessMetrics } from './processMetrics.ts';
import { RoundMetrics } from './roundMetrics.ts';
import { RestClientMetrics } from './restClientMetrics.ts';
import { registerTables } from './tableMetrics.ts';
import { WatchMetrics } from './watchMetrics.ts';
import { type Applied, type Observation, StateMetrics } from './stateMetrics.ts';

export interface MetricsOptions {
  readonly families: readonly Family[];
  readonly version: BuildVersion;
  /** called once per scrape */
  readonly observe: () => Observation;
  /** standing subjects of each condition, by code */
  readonly conditions?: () => ReadonlyMap<string, number>;
  /** default true; tests of other things leave the process out */
  readonly hasProcessMetrics?: boolean;
}

export class Metrics {
  readonly #register = new Registry();
  readonly #more = new Set<Registry>();
  readonly kubeproxy: KubeproxyMetrics;
  /** told by ApiClient */
  readonly requests: RestClientMetrics;
  /** told by reflectors */
  readonly watches: WatchMetrics;
  readonly rounds: RoundMetrics;
  /** of this process, as long as it is watched */
  readonly eventLoop: EventLoopMetrics;
  readonly #state: StateMetrics;
  #isProcessMissing: boolean;

  constructor(options: MetricsOptions) {
    this.kubeproxy = new KubeproxyMetrics(this.#register, options.families);
    this.rounds = new RoundMetrics(this.#register);
    this.eventLoop = new EventLoopMetrics(this.#register);
    this.watches = new WatchMetrics(this.#register);
    const observe = oncePerTurn(options.observe);
    this.#state = new StateMetrics(this.#register, observe);
    registerTables(this.#register, () => observe().ipvsConnections);
    this.requests = new RestClientMetrics(this.#register);
    registerConditions(this.#register, options.conditions ?? (() => new Map()));
    registerBuildInfo(this.#register, options.version);
    this.#isProcessMissing = options.hasProcessMetrics !== false;
  }

  get contentType(): string {
    return this.#register.contentType;
  }

  /** Shows those of another registry too, as long as it holds any. @returns ends that */
  include(registry: Registry): () => void {
    this.#more.add(registry);
    return () => this.#more.delete(registry);
  }

  async render(): Promise<string> {
    if (this.#isProcessMissing) registerProcessMetrics(this.#register);
    this.#isProcessMissing = false;
    const more = [...this.#more].filter((each) => each.getMetricsAsArray().length > 0);
    const texts = await Promise.all([this.#register, ...more].map((each) => each.metrics()));
    return texts.join('\n');
  }

  /** What a round did; failed rules count as kube-proxy's failed restores. */
  applied(round: Applied): void {
    this.#state.applied(round);
    for (const { operation } of round.report.failed) {
      if (operation.op === 'writeRules') this.kubeproxy.iptablesFailed(operation.family);
    }
  }

  countProbe(path: 'healthz' | 'livez', status: number): void {
    this.kubeproxy.countProbe(path, status);
  }
}

/**
 * One scrape asks many times for the same; the answer holds until the turn ends.
 */
function oncePerTurn<T>(read: () => T): () => T {
  let kept: { readonly value: T } | undefined;
  return () => {
    if (kept === undefined) {
      kept = { value: read() };
      queueMicrotask(() => (kept = undefined));
    }
    return kept.value;
  };
}
