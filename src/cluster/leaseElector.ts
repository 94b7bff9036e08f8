/**
 * One of many by a Lease (coordination.k8s.io/v1), as client-go's leader election does it: who
 * holds it writes it anew every two seconds, and another takes it when it has not changed for as
 * long as it is valid. That time is measured here, from when the change was seen: what the holder's
 * clock says is never compared with ours.
 */
import type { Clock } from '../time/clock.ts';
import { ApiError, isRecord } from './apiError.ts';
import { microTime } from './microTime.ts';
import type { ApiTransport } from './transport.ts';

export interface LeaseElectorOptions {
  readonly transport: Pick<ApiTransport, 'getJson' | 'sendJson'>;
  readonly timing: Clock;
  readonly namespace: string;
  readonly name: string;
  /** of this process and no other one */
  readonly identity: string;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** how often who does not hold it looks; default {@link RETRY_MS} */
  readonly lookMs?: () => number;
  readonly onChange: (isLeader: boolean) => void;
  /** the last attempt failed, or works (undefined); that another one holds it is no failure */
  readonly onFailure: (error: ApiError | undefined) => void;
}

/** What a role has to allow in its namespace: of any Lease, as it has no name yet, and of this. */
export const LEASE_RIGHTS = {
  group: 'coordination.k8s.io',
  resource: 'leases',
  verbsOfAll: ['create'],
  verbs: ['get', 'update'],
} as const;

/** client-go's defaults, and those of kube-controller-manager. */
export const LEASE_MS = 15_000;
/** Who could not renew it for so long stops before anybody else may begin. */
export const RENEW_DEADLINE_MS = 10_000;
export const RETRY_MS = 2_000;
const JITTER = 0.2;
const RELEASE_LIMIT_MS = 1_000;

interface Lease {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: LeaseSpec;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export class LeaseElector {
  readonly #options: LeaseElectorOptions;
  readonly #path: string;
  /** as last seen, to be written over if nobody else has */
  #lease: Lease | undefined;
  /** of what is in it, in whatever spelling */
  #seen = '';
  #seenAtMs = -Infinity;
  /** until then nobody else begins */
  #leadsUntilMs = -Infinity;
  #isLeader = false;
  #cancelDeadline: (() => void) | undefined;

  constructor(options: LeaseElectorOptions) {
    this.#options = options;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
  }

  /** By the clock: also when the process was stopped, and nobody could be told yet. */
  get isLeader(): boolean {
    return this.#isLeader && this.#options.timing.monotonicMs() < this.#leadsUntilMs;
  }

  /** Tries until `signal` fires; lets go of it then. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { timing, random, lookMs = () => RETRY_MS } = this.#options;
    while (!signal.aborted) {
      await this.#attempt(signal);
      const waitMs = this.isLeader ? RETRY_MS : lookMs();
      await timing.sleep(waitMs * (1 + JITTER * random()), signal).catch(() => undefined);
    }
    const isHeld = this.isLeader;
    this.#become(false);
    if (isHeld) await this.#release();
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const { timing, onFailure } = this.#options;
    const startMs = timing.monotonicMs();
    try {
      const isRenewed = await this.#within(RENEW_DEADLINE_MS, signal, (limit) => this.#take(limit));
      if (isRenewed) this.#renewed(startMs);
      else this.#become(false);
      onFailure(undefined);
    } catch (error) {
      // Somebody was faster, or it is not known whether we were: what is there is to be read.
      this.#lease = undefined;
      if (!(error instanceof ApiError)) throw error;
      if (!signal.aborted && error.status !== 409) onFailure(error);
    }
  }

  /** @returns whether it is ours now */
  async #take(signal: AbortSignal): Promise<boolean> {
    const lease =
      this.isLeader && this.#lease !== undefined ? this.#lease : await this.#read(signal);
    if (lease === undefined) {
      const metadata = { name: this.#options.name, namespace: this.#options.namespace };
      this.#note(await this.#send('POST', { metadata, spec: this.#spec({}) }, signal));
      return true;
    }
    if (!this.#mayTake(lease)) return false;
    const spec = this.#spec(lease.spec ?? {});
    this.#note(await this.#send('PUT', { ...lease, spec }, signal));
    return true;
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { transport, name } = this.#options;
    try {
      const lease = (await transport.getJson(`${this.#path}/${name}`, {}, { signal })) as Lease;
      this.#note(lease);
      return lease;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  #send(method: 'POST' | 'PUT', body: Lease, signal: AbortSignal): Promise<unknown> {
    const { transport, name } = this.#options;
    const path = method === 'POST' ? this.#path : `${this.#path}/${name}`;
    const typed = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...body };
    return transport.sendJson(method, path, typed, { signal });
  }

  #note(lease: unknown): void {
    this.#lease = isRecord(lease) ? lease : {};
    const seen = JSON.stringify(this.#lease.spec ?? {});
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#seenAtMs = this.#options.timing.monotonicMs();
  }

  #mayTake({ spec = {} }: Lease): boolean {
    const { holderIdentity = '', leaseDurationSeconds = LEASE_MS / 1000 } = spec;
    if (holderIdentity === '' || holderIdentity === this.#options.identity) return true;
    return this.#options.timing.monotonicMs() - this.#seenAtMs >= leaseDurationSeconds * 1000;
  }

  #spec(before: LeaseSpec): LeaseSpec {
    const { identity } = this.#options;
    const now = microTime(this.#options.timing.wallMs());
    const { holderIdentity = '', acquireTime = now, leaseTransitions = 0 } = before;
    const isOurs = holderIdentity === identity;
    const isFirst = before.renewTime === undefined;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_MS / 1000,
      acquireTime: isOurs ? acquireTime : now,
      renewTime: now,
      leaseTransitions: leaseTransitions + (isOurs || isFirst ? 0 : 1),
    };
  }

  /** @param askedAtMs others count from when they see it, which is later */
  #renewed(askedAtMs: number): void {
    const { timing } = this.#options;
    const leftMs = askedAtMs + RENEW_DEADLINE_MS - timing.monotonicMs();
    if (leftMs <= 0) return this.#become(false);
    this.#leadsUntilMs = askedAtMs + RENEW_DEADLINE_MS;
    this.#cancelDeadline?.();
    this.#cancelDeadline = timing.after(leftMs, () => this.#become(false));
    this.#become(true);
  }

  #become(isLeader: boolean): void {
    if (!isLeader) this.#cancelDeadline?.();
    if (this.#isLeader === isLeader) return;
    this.#isLeader = isLeader;
    this.#options.onChange(isLeader);
  }

  /** So that the next one need not wait; if it cannot be said, it waits. */
  async #release(): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined) return;
    const now = microTime(this.#options.timing.wallMs());
    const left = { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
    const body = { ...lease, spec: { ...lease.spec, ...left } };
    const { signal } = new AbortController();
    await this.#within(RELEASE_LIMIT_MS, signal, (limit) => this.#send('PUT', body, limit)).catch(
      () => undefined,
    );
  }

  async #within<T>(
    limitMs: number,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const limit = new AbortController();
    const cancel = this.#options.timing.after(limitMs, () => limit.abort());
    try {
      return await work(AbortSignal.any([signal, limit.signal]));
    } finally {
      cancel();
    }
  }
}
