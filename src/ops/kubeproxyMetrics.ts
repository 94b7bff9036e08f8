/**
 * The metrics that dashboards for kube-proxy's ipvs mode already read: same names, labels, buckets
 * and help, so that one Prometheus may scrape both while a cluster changes over. Our loop serves
 * both families in one round, so a round counts for each.
 *
 * @see kubernetes pkg/proxy/metrics
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { FAMILIES, type Family } from '../net/family.ts';

const SUBSYSTEM = 'kubeproxy_sync_proxy_rules';

function exponential(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i);
}

function linear(start: number, step: number, end: number): number[] {
  return Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, i) => start + i * step);
}

/** 0 is there by an oversight of upstream's (MergeBuckets), and in every dashboard's data. */
const PROGRAMMING_BUCKETS = [
  0,
  0.25,
  0.5,
  ...linear(1, 1, 59),
  ...linear(60, 5, 115),
  ...linear(120, 30, 300),
];

export class KubeproxyMetrics {
  readonly #families: readonly Family[];
  readonly #syncDuration: Histogram<'ip_family'>;
  readonly #syncTimestamp: Gauge<'ip_family'>;
  readonly #queuedTimestamp: Gauge<'ip_family'>;
  readonly #programmingDuration: Histogram<'ip_family'>;
  readonly #changes: Readonly<Record<'service' | 'endpoint', { pending: Gauge; total: Counter }>>;
  readonly #waiting = {
    service: { queued: 0, taken: 0 },
    endpoint: { queued: 0, taken: 0 },
  };
  readonly #restoreFailures: Counter<'ip_family'>;
  readonly #noLocalEndpoints: Gauge<'ip_family' | 'traffic_policy'>;
  readonly #probes: Readonly<Record<'healthz' | 'livez', Counter<'code'>>>;

  constructor(register: Registry, families: readonly Family[] = FAMILIES) {
    const registers = [register];
    const byFamily = { labelNames: ['ip_family' as const], registers };
    this.#families = families;
    this.#syncDuration = new Histogram({
      name: `${SUBSYSTEM}_duration_seconds`,
      help: '[ALPHA] SyncProxyRules latency in seconds',
      buckets: exponential(0.001, 2, 15),
      ...byFamily,
    });
    this.#syncTimestamp = new Gauge({
      name: `${SUBSYSTEM}_last_timestamp_seconds`,
      help: '[ALPHA] The last time proxy rules were successfully synced',
      ...byFamily,
    });
    this.#queuedTimestamp = new Gauge({
      name: `${SUBSYSTEM}_last_queued_timestamp_seconds`,
      help: '[ALPHA] The last time a sync of proxy rules was queued',
      ...byFamily,
    });
    this.#programmingDuration = new Histogram({
      name: 'kubeproxy_network_programming_duration_seconds',
      help: '[ALPHA] In Cluster Network Programming Latency in seconds',
      buckets: PROGRAMMING_BUCKETS,
      ...byFamily,
    });
    this.#restoreFailures = new Counter({
      name: `${SUBSYSTEM}_iptables_restore_failures_total`,
      help: '[ALPHA] Cumulative proxy iptables restore failures',
      ...byFamily,
    });
    this.#noLocalEndpoints = new Gauge({
      name: `${SUBSYSTEM}_no_local_endpoints_total`,
      help: '[ALPHA] Number of services with a Local traffic policy and no endpoints',
      labelNames: ['ip_family', 'traffic_policy'],
      registers,
    });
    this.#changes = {
      service: changeMetrics('service', 'Service', registers),
      endpoint: changeMetrics('endpoint', 'Endpoint', registers),
    };
    this.#probes = {
      healthz: probeCounter('healthz', registers),
      livez: probeCounter('livez', registers),
    };
    this.#startAtZero();
  }

  /** A Service or an EndpointSlice changed and waits to be programmed. */
  changeQueued(kind: 'service' | 'endpoint', wallMs: number): void {
    const { total } = this.#changes[kind];
    this.#waiting[kind].queued++;
    this.#showPending(kind);
    total.inc();
    for (const family of this.#families)
      this.#queuedTimestamp.set({ ip_family: family }, wallMs / 1000);
  }

  /** A round takes all that waits; it is pending until one that took it is done. */
  roundBegan(): void {
    for (const waiting of Object.values(this.#waiting)) {
      waiting.taken += waiting.queued;
      waiting.queued = 0;
    }
  }

  changesDone(): void {
    for (const kind of ['service', 'endpoint'] as const) {
      this.#waiting[kind].taken = 0;
      this.#showPending(kind);
    }
  }

  syncFinished(durationMs: number, wallMs: number): void {
    for (const family of this.#families) {
      this.#syncDuration.observe({ ip_family: family }, durationMs / 1000);
      this.#syncTimestamp.set({ ip_family: family }, wallMs / 1000);
    }
  }

  endpointProgrammed(family: Family, latencyMs: number): void {
    this.#programmingDuration.observe({ ip_family: family }, latencyMs / 1000);
  }

  iptablesFailed(family: Family): void {
    this.#restoreFailures.inc({ ip_family: family });
  }

  setNoLocalEndpoints(family: Family, policy: 'internal' | 'external', services: number): void {
    this.#noLocalEndpoints.set({ ip_family: family, traffic_policy: policy }, services);
  }

  countProbe(path: 'healthz' | 'livez', status: number): void {
    this.#probes[path].inc({ code: String(status) });
  }

  #showPending(kind: 'service' | 'endpoint'): void {
    const { queued, taken } = this.#waiting[kind];
    this.#changes[kind].pending.set(queued + taken);
  }

  /**
   * An absent series and one at zero are not the same to an alert: `time() - …` of a node that has
   * never synced is to be long, not nothing.
   */
  #startAtZero(): void {
    for (const family of this.#families) {
      this.#syncTimestamp.set({ ip_family: family }, 0);
      this.#queuedTimestamp.set({ ip_family: family }, 0);
      this.#restoreFailures.inc({ ip_family: family }, 0);
      this.setNoLocalEndpoints(family, 'internal', 0);
      this.setNoLocalEndpoints(family, 'external', 0);
    }
  }
}

function changeMetrics(
  kind: string,
  title: string,
  registers: Registry[],
): { pending: Gauge; total: Counter } {
  return {
    pending: new Gauge({
      name: `${SUBSYSTEM}_${kind}_changes_pending`,
      help: `[ALPHA] Pending proxy rules ${title} changes`,
      registers,
    }),
    total: new Counter({
      name: `${SUBSYSTEM}_${kind}_changes_total`,
      help: `[ALPHA] Cumulative proxy rules ${title} changes`,
      registers,
    }),
  };
}

function probeCounter(path: string, registers: Registry[]): Counter<'code'> {
  return new Counter({
    name: `kubeproxy_proxy_${path}_total`,
    help: `[ALPHA] Cumulative proxy ${path} HTTP status`,
    labelNames: ['code'],
    registers,
  });
}
