/**
 * The sweep of stale UDP connections: kube-proxy's names, buckets and help, and our count of sweeps
 * that failed.
 */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { Family } from '../../net/family.ts';

const SUBSYSTEM = 'conntrack_reconciler';
/** 1 ms, doubled 14 times */
const BUCKETS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

export class ConntrackMetrics {
  readonly #deleted: Counter<'ip_family'>;
  readonly #duration: Histogram<'ip_family'>;
  readonly #failures: Counter<'ip_family'>;

  constructor(register: Registry, families: readonly Family[]) {
    const byFamily = { labelNames: ['ip_family' as const], registers: [register] };
    this.#deleted = new Counter({
      name: `kubeproxy_${SUBSYSTEM}_deleted_entries_total`,
      help: '[ALPHA] Cumulative conntrack flows deleted by conntrack reconciler',
      ...byFamily,
    });
    this.#duration = new Histogram({
      name: `kubeproxy_${SUBSYSTEM}_sync_duration_seconds`,
      help: '[ALPHA] ReconcileConntrackFlowsLatency latency in seconds',
      buckets: BUCKETS,
      ...byFamily,
    });
    this.#failures = new Counter({
      name: `kubeipvs_${SUBSYSTEM}_failures_total`,
      help: 'Searches for stale UDP connections that failed',
      ...byFamily,
    });
    for (const family of families) {
      this.#deleted.inc({ ip_family: family }, 0);
      this.#failures.inc({ ip_family: family }, 0);
    }
  }

  swept(family: Family, deleted: number, durationMs: number): void {
    this.#deleted.inc({ ip_family: family }, deleted);
    this.#duration.observe({ ip_family: family }, durationMs / 1000);
  }

  failed(family: Family): void {
    this.#failures.inc({ ip_family: family });
  }
}
