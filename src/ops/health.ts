/**
 * Whether this node's proxy can be relied on, as `/livez` and `/healthz` tell it. kube-proxy's rule: no family has had a
 * change waiting for longer than the time-out. Ours on top: nor has an operation been failing for that long, since a
 * node that lacks part of its dataplane should not be sent traffic. What counts as a failure is the agent's to say.
 */
import type { Family } from '../net/family.ts';
import type { Clock } from './clock.ts';

export interface ProxyHealthOptions {
  readonly families: readonly Family[];
  /** 2 × syncPeriod */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
}

export interface HealthAnswer {
  readonly isHealthy: boolean;
  /** one line of JSON, without newline */
  readonly body: string;
}

interface FamilyHealth {
  /** monotonic ms of the oldest change that no finished sync has covered */
  pendingSinceMs: number | undefined;
  /** monotonic ms since when some operation of this family has been failing */
  failingSinceMs: number | undefined;
  /** wall ms; undefined before the first sync */
  updatedAtMs: number | undefined;
}

export class ProxyHealth {
  readonly #options: ProxyHealthOptions;
  readonly #families: ReadonlyMap<Family, FamilyHealth>;
  #isNodeEligible = true;

  constructor(options: ProxyHealthOptions) {
    this.#options = options;
    this.#families = new Map(
      options.families.map((family) => [
        family,
        { pendingSinceMs: undefined, failingSinceMs: undefined, updatedAtMs: undefined },
      ]),
    );
  }

  /** A change waits to be programmed. Only the first one since the last sync counts. */
  queued(family: Family): void {
    const health = this.#families.get(family);
    if (health !== undefined) health.pendingSinceMs ??= this.#options.clock.monotonicMs();
  }

  /** A sync finished that covers everything queued so far. */
  updated(family: Family): void {
    const health = this.#families.get(family);
    if (health === undefined) return;
    health.pendingSinceMs = undefined;
    health.updatedAtMs = this.#options.clock.wallMs();
  }

  /** After each round: whether any operation of this family is failing now. */
  setFailing(family: Family, isFailing: boolean): void {
    const health = this.#families.get(family);
    if (health === undefined) return;
    if (!isFailing) health.failingSinceMs = undefined;
    else health.failingSinceMs ??= this.#options.clock.monotonicMs();
  }

  /** False while the Node is being deleted or is about to be removed by the cluster autoscaler (KEP-3836). */
  setNodeEligible(isEligible: boolean): void {
    this.#isNodeEligible = isEligible;
  }

  get isNodeEligible(): boolean {
    return this.#isNodeEligible;
  }

  /** Also what the health-check node ports go by. */
  get isHealthy(): boolean {
    return [...this.#families.values()].every((health) => this.#isFamilyHealthy(health));
  }

  livez(): HealthAnswer {
    const { isHealthy } = this;
    return { isHealthy, body: `{${this.#times(isHealthy)}}` };
  }

  healthz(): HealthAnswer {
    const isHealthy = this.isHealthy;
    const body = `{${this.#times(isHealthy)}, "nodeEligible": ${this.#isNodeEligible}}`;
    return { isHealthy: isHealthy && this.#isNodeEligible, body };
  }

  #isFamilyHealthy({ pendingSinceMs, failingSinceMs }: FamilyHealth): boolean {
    const { clock, timeoutMs } = this.#options;
    const nowMs = clock.monotonicMs();
    return [pendingSinceMs, failingSinceMs].every(
      (sinceMs) => sinceMs === undefined || nowMs - sinceMs < timeoutMs,
    );
  }

  /** When healthy, kube-proxy gives the current time for both; else the last update of the family that is behind. */
  #times(isHealthy: boolean): string {
    const nowMs = this.#options.clock.wallMs();
    const lastMs = isHealthy ? nowMs : this.#oldestUpdateMs();
    return `"lastUpdated": "${formatGoTime(lastMs)}","currentTime": "${formatGoTime(nowMs)}"`;
  }

  #oldestUpdateMs(): number | undefined {
    const unhealthy = [...this.#families.values()].filter(
      (health) => !this.#isFamilyHealthy(health),
    );
    const times = unhealthy.map((health) => health.updatedAtMs);
    return times.includes(undefined)
      ? undefined
      : Math.min(...times.filter((time) => time !== undefined));
  }
}

/**
 * The text form that Go gives a time: `2026-11-24 15:04:05.678 +0000 UTC`, trailing zeros of the fraction left out.
 *
 * @param ms undefined is Go's zero time
 */
export function formatGoTime(ms: number | undefined): string {
  if (ms === undefined) return '0001-01-01 00:00:00 +0000 UTC';
  const [date, time = ''] = new Date(ms).toISOString().split('T');
  return `${date} ${time.replace('Z', '').replace(/\.?0+$/, '')} +0000 UTC`;
}
