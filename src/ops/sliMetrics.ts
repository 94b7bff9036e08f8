/**
 * `/metrics/slis`: whether checks succeeded, for whoever computes availability of it. kube-proxy
 * has one check there, the answer of the metrics server to its own `/healthz`.
 *
 * @see k8s.io/component-base metrics/prometheus/slis
 */
import { Counter, Gauge, Registry } from 'prom-client';

export class SliMetrics {
  readonly #register = new Registry();
  readonly #check: Gauge<'name' | 'type'>;
  readonly #checks: Counter<'name' | 'type' | 'status'>;

  constructor() {
    const registers = [this.#register];
    this.#check = new Gauge({
      name: 'kubernetes_healthcheck',
      help: '[STABLE] This metric records the result of a single healthcheck.',
      labelNames: ['name', 'type'],
      registers,
    });
    this.#checks = new Counter({
      name: 'kubernetes_healthchecks_total',
      help: '[STABLE] This metric records the results of all healthcheck.',
      labelNames: ['name', 'type', 'status'],
      registers,
    });
    const start = new Gauge({
      name: 'process_start_time_seconds',
      help: '[ALPHA] Start time of the process since unix epoch in seconds.',
      registers,
    });
    start.set(Math.round(performance.timeOrigin / 1000));
  }

  get contentType(): string {
    return this.#register.contentType;
  }

  /** An answer that came is a success: who gets none counts that himself. */
  pinged(): void {
    const labels = { name: 'ping', type: 'healthz' };
    this.#check.set(labels, 1);
    this.#checks.inc({ ...labels, status: 'success' });
  }

  render(): Promise<string> {
    return this.#register.metrics();
  }
}
