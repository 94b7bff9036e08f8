/**
 * `clientConnection.qps` and `burst`: a bucket of `burst` tokens that fills at `qps` a second.
 * Watches are not counted.
 */
import type { Clock } from '../time/clock.ts';

/** Of kube-controller-manager and cloud-controller-manager. */
const CONTROLLER = { qps: 20, burst: 30 };

/**
 * What a controller has for what it does for the whole cluster, whoever's process it runs in: of
 * their defaults and what was asked for the higher.
 *
 * @param qps,burst as of {@link RateLimiter}
 */
export function controllerRate(qps: number, burst: number): { qps: number; burst: number } {
  return {
    qps: qps < 0 ? qps : Math.max(qps, CONTROLLER.qps),
    burst: Math.max(burst, CONTROLLER.burst),
  };
}

export class RateLimiter {
  readonly #qps: number;
  readonly #burst: number;
  readonly #timing: Clock;
  #tokens: number;
  #countedAtMs: number;

  /**
   * @param qps negative: no limit (as in client-go); 0 and `burst` 0 take Kubernetes' defaults 5
   * and 10
   */
  constructor(qps: number, burst: number, timing: Clock) {
    this.#qps = qps === 0 ? 5 : qps;
    this.#burst = burst > 0 ? burst : 10;
    this.#timing = timing;
    this.#tokens = this.#burst;
    this.#countedAtMs = timing.monotonicMs();
  }

  /** Resolves when a request may be sent; those who wait are served in the order they came. */
  async take(signal?: AbortSignal): Promise<void> {
    if (this.#qps < 0) return;
    const nowMs = this.#timing.monotonicMs();
    const earned = ((nowMs - this.#countedAtMs) * this.#qps) / 1000;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#countedAtMs = nowMs;
    // Tokens may go below zero: each one who waits has its own already, so the next waits longer.
    this.#tokens -= 1;
    if (this.#tokens < 0) await this.#timing.sleep((-this.#tokens * 1000) / this.#qps, signal);
  }
}
