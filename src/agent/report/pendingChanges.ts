/**
 * Changes of the cluster on their way into the kernel, as health and metrics tell of them: what
 * came during a round is not in it and waits for the next one, and what a round took that was given
 * up still waits.
 */
import type { ClusterChange } from '../../model/clusterStore.ts';
import type { Family } from '../../net/family.ts';
import type { ProxyHealth } from '../../ops/health.ts';
import type { Metrics } from '../../ops/metrics.ts';
import type { Clock } from '../../time/clock.ts';

export interface PendingChangesParts {
  readonly metrics: Metrics;
  readonly health: ProxyHealth;
  readonly families: readonly Family[];
  readonly clock: Clock;
}

/** When the control plane began to change an endpoint, as its slice tells. */
interface Trigger {
  readonly family: Family;
  readonly atMs: number;
}

/** While rounds fail nothing takes them away. */
const MAX_TRIGGERS = 10_000;

export class PendingChanges {
  readonly #parts: PendingChangesParts;
  readonly #startedAtMs: number;
  #queued: Trigger[] = [];
  #taken: Trigger[] = [];

  constructor(parts: PendingChangesParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.clock.wallMs();
  }

  /** The first complete picture of the cluster. */
  allQueued(): void {
    const { health, families } = this.#parts;
    health.queued(...families);
  }

  queued(change: ClusterChange): void {
    if (change.kind !== 'Service' && change.kind !== 'EndpointSlice') return;
    const { metrics, clock } = this.#parts;
    const kind = change.kind === 'Service' ? 'service' : 'endpoint';
    const nowMs = clock.wallMs();
    metrics.kubeproxy.changeQueued(kind, nowMs);
    if (change.kind === 'EndpointSlice') this.#noteTrigger(change.object, nowMs);
    this.allQueued();
  }

  /** @param nowMs monotonic */
  roundBegan(nowMs: number): void {
    const { metrics, health } = this.#parts;
    health.roundBegan(nowMs);
    metrics.kubeproxy.roundBegan();
    this.#taken = [...this.#taken, ...this.#queued].slice(0, MAX_TRIGGERS);
    this.#queued = [];
  }

  /**
   * @param isDone else it was given up and is tried again
   * @param nowMs since the epoch
   */
  roundEnded(isDone: boolean, nowMs: number): void {
    const { metrics, health } = this.#parts;
    health.roundEnded(isDone, nowMs);
    if (!isDone) return;
    metrics.kubeproxy.changesDone();
    if (this.#taken.length === 0) return;
    for (const { family, atMs } of this.#taken)
      metrics.kubeproxy.endpointProgrammed(family, nowMs - atMs);
    this.#taken = [];
  }

  /** What changed before this process began says nothing of it. */
  #noteTrigger(
    slice: Extract<ClusterChange, { kind: 'EndpointSlice' }>['object'],
    nowMs: number,
  ): void {
    const { addressType: family, triggerTimeMs: atMs } = slice ?? {};
    if (family === undefined || atMs === undefined || atMs <= this.#startedAtMs) return;
    this.#parts.metrics.watches.arrived(nowMs - atMs);
    if (this.#queued.length < MAX_TRIGGERS) this.#queued.push({ family, atMs });
  }
}
