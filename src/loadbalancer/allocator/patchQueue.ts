/**
 * Which Service's status is written next. An address that goes from one Service to another is given
 * only after the first has been written, so that two never have it at a time, but where they
 * exchange theirs. One that fails is tried again later and later, and holds up those alone that
 * wait for its address.
 */
import type { ObjectKey } from '../../model/resources.ts';
import type { Address } from '../../net/address.ts';
import { backoffMs } from '../../time/backoff.ts';
import type { Decision } from '../allocation/decision.ts';
import { addressesInStatus } from '../allocation/readLists.ts';

/** Of one Service, after a failure. */
export const RETRY = { firstMs: 1_000, maxMs: 60_000 };

/** So often in a row a Service may have changed meanwhile. */
const PATIENCE = 2;

interface Trouble {
  readonly failures: number;
  readonly untilMs: number;
}

export class PatchQueue {
  readonly #due = new Map<ObjectKey, Decision>();
  readonly #inFlight = new Map<ObjectKey, Decision>();
  readonly #troubles = new Map<ObjectKey, Trouble>();
  /** in a row */
  readonly #conflicts = new Map<ObjectKey, number>();
  /** by address: whose status is to lose it */
  #losers = new Map<Address, ObjectKey[]>();

  /** How many are being written. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Something is to be written of it, or being written. */
  has(key: ObjectKey): boolean {
    return this.#due.has(key) || this.#inFlight.has(key);
  }

  /** Takes the place of all that was due and is not being written yet. */
  replace(due: ReadonlyMap<ObjectKey, Decision>): void {
    this.#due.clear();
    for (const [key, decision] of due) this.#due.set(key, decision);
    for (const book of [this.#troubles, this.#conflicts])
      for (const key of book.keys()) if (!this.has(key)) book.delete(key);
    this.#losers = new Map();
    for (const [key, { losses }] of [...this.#inFlight, ...this.#due]) {
      for (const { address } of losses) {
        const others = this.#losers.get(address) ?? [];
        this.#losers.set(address, [...others, key]);
      }
    }
  }

  /** @returns undefined: nothing can be written now */
  next(nowMs: number): { readonly key: ObjectKey; readonly decision: Decision } | undefined {
    for (const [key, decision] of this.#due) {
      if (this.#inFlight.has(key) || this.#isPausing(key, nowMs) || this.#waits(key)) continue;
      this.#due.delete(key);
      this.#inFlight.set(key, decision);
      return { key, decision };
    }
    return undefined;
  }

  /** When something that failed may be tried again; undefined: nothing waits for its time. */
  nextRetryMs(nowMs: number): number | undefined {
    const times = [...this.#due.keys()].flatMap((key) => {
      const untilMs = this.#troubles.get(key)?.untilMs ?? 0;
      return untilMs > nowMs ? [untilMs] : [];
    });
    return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
  }

  /** It is written, or there is nothing to be written any more. */
  done(key: ObjectKey): void {
    this.#inFlight.delete(key);
    this.#troubles.delete(key);
    this.#conflicts.delete(key);
  }

  /** It is to be decided anew before it is written. */
  withdraw(key: ObjectKey): void {
    this.#due.delete(key);
  }

  /**
   * Somebody else has written it, and it is to be decided anew: at once, but for one that changes
   * all the time.
   */
  conflicted(key: ObjectKey, nowMs: number): void {
    this.#inFlight.delete(key);
    this.#due.delete(key);
    const conflicts = (this.#conflicts.get(key) ?? 0) + 1;
    this.#conflicts.set(key, conflicts);
    if (conflicts > PATIENCE) this.#pause(key, nowMs);
  }

  /** @returns ms until it is tried again */
  failed(key: ObjectKey, nowMs: number): number {
    const decision = this.#inFlight.get(key);
    this.#inFlight.delete(key);
    if (decision !== undefined && !this.#due.has(key)) this.#due.set(key, decision);
    return this.#pause(key, nowMs);
  }

  #pause(key: ObjectKey, nowMs: number): number {
    const failures = this.#troubles.get(key)?.failures ?? 0;
    const waitMs = backoffMs(failures, RETRY);
    this.#troubles.set(key, { failures: failures + 1, untilMs: nowMs + waitMs });
    return waitMs;
  }

  /** Nothing is due; what is being written goes on. */
  clear(): void {
    this.replace(new Map());
  }

  #isPausing(key: ObjectKey, nowMs: number): boolean {
    return (this.#troubles.get(key)?.untilMs ?? 0) > nowMs;
  }

  #waits(key: ObjectKey): boolean {
    return this.#before(key).some((other) => !this.#waitsFor(other, key));
  }

  /** Those that have to be written before it, or with it. */
  #before(key: ObjectKey): readonly ObjectKey[] {
    const decision = this.#due.get(key);
    if (decision === undefined) return [];
    const had = addressesInStatus(decision.service);
    const came = decision.addresses.filter(({ address }) => !had.includes(address));
    return came.flatMap(({ address }) =>
      (this.#losers.get(address) ?? []).filter((other) => other !== key && this.has(other)),
    );
  }

  /** In the end: then the two exchange addresses, perhaps with others between. */
  #waitsFor(key: ObjectKey, other: ObjectKey): boolean {
    const seen = new Set<ObjectKey>();
    const rest = [key];
    for (let at = rest.pop(); at !== undefined; at = rest.pop()) {
      if (at === other) return true;
      if (seen.has(at)) continue;
      seen.add(at);
      if (!this.#inFlight.has(at)) rest.push(...this.#before(at));
    }
    return false;
  }
}
