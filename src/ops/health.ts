/**
 * Whether this node's proxy can be relied on, as `/livez` and `/healthz` tell it. `/livez` is for
 * what a new start cures and nothing else: a round of programming that does not end. `/healthz` is
 * about the node as a whole, for load balancers: kube-proxy's rule (no change has been waiting for
 * longer than the time-out), the node's place in the cluster, and ours on top: the node has not
 * been unable to program for that long. What counts as that is the agent's to say; one object's
 * fault never does.
 */
import type { Family } from '../net/family.ts';
import type { Clock } from '../time/clock.ts';

export interface ProxyHealthOptions {
  readonly families: readonly Family[];
  /** 2 × syncPeriod */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
  /** of the conditions that stand in the way, which an unhealthy /healthz names */
  readonly codes?: () => readonly string[];
}

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
  queued(family: Family): void {
    const health = this.#families.get(family);
    if (health !== undefined) health.queuedSinceMs ??= this.#options.clock.monotonicMs();
  }

  /** A round takes everything queued so far; what comes from now on waits for the next one. */
  roundBegan(): void {
    this.#roundSinceMs = this.#options.clock.monotonicMs();
    for (const health of this.#families.values()) {
      health.takenSinceMs ??= health.queuedSinceMs;
      health.queuedSinceMs = undefined;
    }
  }

  /** @param isDone else it was given up, and what it took is still to be programmed */
  roundEnded(isDone: boolean): void {
    this.#roundSinceMs = undefined;
    if (!isDone) return;
    const nowMs = this.#options.clock.wallMs();
    for (const health of this.#families.values()) {
      health.takenSinceMs = undefined;
      health.updatedAtMs = nowMs;
    }
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

  /** Also what the health-check node ports go by. */
  get isHealthy(): boolean {
    return [...this.#families.values()].every((health) => this.#isFamilyHealthy(health));
  }

  /** Nothing that a new process would meet again counts: it would be started anew for ever. */
  get isAlive(): boolean {
    return this.#isWithinTime(this.#roundSinceMs);
  }

  livez(): HealthAnswer {
    const isHealthy = this.isAlive;
    return { isHealthy, body: `{${this.#times(isHealthy)}}` };
  }

  /** kube-proxy's members; behind them, when the answer is no, `conditions`. */
  healthz(): HealthAnswer {
    const areFamiliesHealthy = this.isHealthy;
    const isHealthy = areFamiliesHealthy && this.#isNodeEligible;
    const codes = isHealthy ? undefined : this.#options.codes?.();
    const conditions = codes === undefined ? '' : `, "conditions": ${JSON.stringify(codes)}`;
    const body = `{${this.#times(areFamiliesHealthy)}, "nodeEligible": ${this.#isNodeEligible}${conditions}}`;
    return { isHealthy, body };
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

  /**
   * When healthy, kube-proxy gives the current time for both; else the last update of the family
   * that is behind.
   */
  #times(isHealthy: boolean): string {
    const nowMs = this.#options.clock.wallMs();
    const lastMs = isHealthy ? nowMs : this.#oldestUpdateMs();
    return `"lastUpdated": "${formatGoTime(lastMs)}","currentTime": "${formatGoTime(nowMs)}"`;
  }

  #oldestUpdateMs(): number | undefined {
    const all = [...this.#families.values()];
    const unhealthy = all.filter((health) => !this.#isFamilyHealthy(health));
    const times = (unhealthy.length > 0 ? unhealthy : all).map((health) => health.updatedAtMs);
    return times.includes(undefined)
      ? undefined
      : Math.min(...times.filter((time) => time !== undefined));
  }
}

/**
 * The text form that Go gives a time: `2026-11-24 15:04:05.678 +0000 UTC`, trailing zeros of the
 * fraction left out.
 *
 * @param ms undefined is Go's zero time
 */
export function formatGoTime(ms: number | undefined): string {
  if (ms === undefined) return '0001-01-01 00:00:00 +0000 UTC';
  const [date, time = ''] = new Date(ms).toISOString().split('T');
  return `${date} ${time.replace('Z', '').replace(/\.?0+$/, '')} +0000 UTC`;
}
