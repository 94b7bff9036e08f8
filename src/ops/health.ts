/**
 * Whether this node's proxy can be relied on, as `/livez`, `/readyz` and `/healthz` tell it.
 *
 * - `/livez` is for what a new start cures and nothing else: a round of programming that does not
 *   end.
 * - `/readyz` is for who waits for this process to begin its work, a rollout: it has read the
 *   cluster and done its first round, and could. What comes later does not change it.
 * - `/healthz` is about the node as a whole, for load balancers: ready, kube-proxy's rule (no
 *   change has been waiting for longer than the time-out), the node's place in the cluster, and
 *   ours on top: the node has not been unable to program for that long. What counts as that is the
 *   agent's to say; one object's fault never does.
 */
import type { Family } from '../net/family.ts';
import type { Clock } from '../time/clock.ts';

export interface ProxyHealthOptions {
  readonly families: readonly Family[];
  /** 2 × syncPeriod */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
  /** of the conditions that stand in the way, which an unhealthy /readyz or /healthz names */
  readonly codes?: () => readonly string[];
}

export type HealthPath = 'livez' | 'readyz' | 'healthz';

export interface HealthAnswer {
  readonly isHealthy: boolean;
  /** one line of JSON, without newline */
  readonly body: string;
}

interface FamilyHealth {
  /** monotonic ms of the oldest change that no round has taken yet */
  queuedSinceMs: number | undefined;
  /**
   * monotonic ms of the oldest change that was taken by a round, none of which has been done yet
   */
  takenSinceMs: number | undefined;
  /** monotonic ms since when nothing of this family can be programmed */
  failingSinceMs: number | undefined;
  /** wall ms; undefined before the first sync */
  updatedAtMs: number | undefined;
}

export class ProxyHealth {
  readonly #options: ProxyHealthOptions;
  readonly #families: ReadonlyMap<Family, FamilyHealth>;
  #isNodeEligible = true;
  #isReady = false;
  /** monotonic ms; undefined between rounds */
  #roundSinceMs: number | undefined;

  constructor(options: ProxyHealthOptions) {
    this.#options = options;
    this.#families = new Map(
      options.families.map((family) => [
        family,
        {
          queuedSinceMs: undefined,
          takenSinceMs: undefined,
          failingSinceMs: undefined,
          updatedAtMs: undefined,
        },
      ]),
    );
  }

  /** A change waits to be programmed. Only the first one since the last round began counts. */
  queued(...families: readonly Family[]): void {
    let nowMs: number | undefined;
    for (const family of families) {
      const health = this.#families.get(family);
      if (health === undefined || health.queuedSinceMs !== undefined) continue;
      health.queuedSinceMs = nowMs ??= this.#options.clock.monotonicMs();
    }
  }

  /**
   * A round takes everything queued so far; what comes from now on waits for the next one.
   *
   * @param nowMs monotonic
   */
  roundBegan(nowMs: number): void {
    this.#roundSinceMs = nowMs;
    for (const health of this.#families.values()) {
      health.takenSinceMs ??= health.queuedSinceMs;
      health.queuedSinceMs = undefined;
    }
  }

  /**
   * @param isDone else it was given up, and what it took is still to be programmed
   * @param nowMs since the epoch
   */
  roundEnded(isDone: boolean, nowMs: number): void {
    this.#roundSinceMs = undefined;
    if (!isDone) return;
    for (const health of this.#families.values()) {
      health.takenSinceMs = undefined;
      health.updatedAtMs = nowMs;
    }
    // One that could program nothing is the first of its attempts, and not the first round.
    const all = [...this.#families.values()];
    this.#isReady ||= all.every(({ failingSinceMs }) => failingSinceMs === undefined);
  }

  /** After each round: whether the node as a whole cannot program this family now. */
  setFailing(family: Family, isFailing: boolean): void {
    const health = this.#families.get(family);
    if (health === undefined) return;
    if (!isFailing) health.failingSinceMs = undefined;
    else health.failingSinceMs ??= this.#options.clock.monotonicMs();
  }

  /**
   * False while the Node is being deleted, once it is gone, or when the cluster autoscaler is about
   * to remove it (KEP-3836).
   */
  setNodeEligible(isEligible: boolean): void {
    this.#isNodeEligible = isEligible;
  }

  get isNodeEligible(): boolean {
    return this.#isNodeEligible;
  }

  /** Families with a change that has waited for the time-out. */
  get overdue(): readonly Family[] {
    const isLate = ({ queuedSinceMs, takenSinceMs }: FamilyHealth) =>
      !this.#isWithinTime(queuedSinceMs) || !this.#isWithinTime(takenSinceMs);
    return [...this.#families].filter(([, health]) => isLate(health)).map(([family]) => family);
  }

  /** Whether each family is programmed in time. */
  get families(): ReadonlyMap<Family, boolean> {
    return new Map(
      Array.from(this.#families, ([family, health]) => [family, this.#isFamilyHealthy(health)]),
    );
  }

  get isHealthy(): boolean {
    return [...this.families.values()].every((isWell) => isWell);
  }

  /** Nothing that a new process would meet again counts: it would be started anew for ever. */
  get isAlive(): boolean {
    return this.#isWithinTime(this.#roundSinceMs);
  }

  /** What the node is for has been programmed once by this process. */
  get isReady(): boolean {
    return this.#isReady;
  }

  livez(): HealthAnswer {
    return this.#answer(this.isAlive, { healthy: this.isAlive });
  }

  readyz(): HealthAnswer {
    return this.#answer(this.#isReady, { healthy: this.#isReady }, this.#options.codes);
  }

  /** By `healthy` kube-proxy means the families alone. */
  healthz(): HealthAnswer {
    const { isHealthy, isNodeEligible: nodeEligible } = this;
    const isWell = isHealthy && nodeEligible && this.#isReady;
    return this.#answer(isWell, { nodeEligible, healthy: isHealthy }, this.#options.codes);
  }

  #isFamilyHealthy({ queuedSinceMs, takenSinceMs, failingSinceMs }: FamilyHealth): boolean {
    return [queuedSinceMs, takenSinceMs, failingSinceMs].every((sinceMs) =>
      this.#isWithinTime(sinceMs),
    );
  }

  #isWithinTime(sinceMs: number | undefined): boolean {
    const { clock, timeoutMs } = this.#options;
    return sinceMs === undefined || clock.monotonicMs() - sinceMs < timeoutMs;
  }

  /** kube-proxy's members; behind them, when the answer is no, the conditions in the way. */
  #answer(
    isHealthy: boolean,
    members: Readonly<Record<string, boolean>>,
    codes?: () => readonly string[],
  ): HealthAnswer {
    const nowMs = this.#options.clock.wallMs();
    const body = {
      lastUpdated: formatGoTime(isHealthy ? nowMs : this.#lastUpdateMs()),
      currentTime: formatGoTime(nowMs),
      ...members,
      ...this.#status(),
      ...(!isHealthy && codes !== undefined && { conditions: codes() }),
    };
    return { isHealthy, body: JSON.stringify(body) };
  }

  /** Of the family that was updated last. */
  #lastUpdateMs(): number | undefined {
    const times = Array.from(this.#families.values(), ({ updatedAtMs }) => updatedAtMs);
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  }

  /** Families that have been updated at all. */
  #status(): { readonly status?: Readonly<Record<string, unknown>> } {
    const known = [...this.#families].filter(([, { updatedAtMs }]) => updatedAtMs !== undefined);
    if (known.length === 0) return {};
    const entries = known.map(([family, health]) => {
      const lastUpdated = formatGoTime(health.updatedAtMs);
      return [family, { lastUpdated, healthy: this.#isFamilyHealthy(health) }];
    });
    return { status: Object.fromEntries(entries) };
  }
}

/**
 * The text form that Go gives a time in JSON: RFC 3339, trailing zeros of the fraction left out.
 *
 * @param ms undefined is Go's zero time
 */
export function formatGoTime(ms: number | undefined): string {
  if (ms === undefined) return '0001-01-01T00:00:00Z';
  return new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
}
