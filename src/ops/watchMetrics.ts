/** `kubeipvs_watch_*`: whether the API server is heard, how much, and how late. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const LAG_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Reflectors tell it of what they hear. */
export class WatchMetrics {
  readonly #events: Counter<'resource' | 'type'>;
  readonly #lists: Counter<'resource'>;
  readonly #lastHeard: Gauge<'resource'>;
  readonly #lag: Histogram;

  constructor(register: Registry) {
    const registers = [register];
    this.#events = new Counter({
      name: 'kubeipvs_watch_events_total',
      help: 'Events of watches by resource and type, bookmarks too',
      labelNames: ['resource', 'type'],
      registers,
    });
    this.#lists = new Counter({
      name: 'kubeipvs_lists_total',
      help: 'Complete lists by resource: the first, and those when a watch could not go on',
      labelNames: ['resource'],
      registers,
    });
    this.#lastHeard = new Gauge({
      name: 'kubeipvs_watch_last_heard_timestamp_seconds',
      help: 'When the API server last told anything of a resource; it sends a bookmark about every minute',
      labelNames: ['resource'],
      registers,
    });
    this.#lag = new Histogram({
      name: 'kubeipvs_watch_lag_seconds',
      help: 'From the change of an endpoint, as its EndpointSlice tells, to its arrival here; clocks of two machines',
      buckets: LAG_BUCKETS,
      registers,
    });
  }

  heard(resource: string, type: string, wallMs: number): void {
    this.#events.inc({ resource, type });
    this.#lastHeard.set({ resource }, wallMs / 1000);
  }

  listed(resource: string, wallMs: number): void {
    this.#lists.inc({ resource });
    this.#lastHeard.set({ resource }, wallMs / 1000);
  }

  arrived(lagMs: number): void {
    this.#lag.observe(Math.max(0, lagMs) / 1000);
  }
}
