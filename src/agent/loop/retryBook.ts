/**
 * Which failed operations are to be tried again, and when: each subject backs off by itself, so
 * that one bad Service never slows the others. The book remembers what failed, not how to mend it:
 * the next difference decides what is still needed.
 */
import { HeldBackError } from '../../plan/holdBack.ts';
import type { FailedOperation, Operation } from '../../dataplane/operations.ts';
import { operationSubject } from '../../dataplane/operations.ts';
import { type BackoffTiming, backoffMs } from '../../time/backoff.ts';
import type { Scope } from './scope.ts';

/** An operation that failed and waits for its next try. */
export interface StandingFailure {
  readonly operation: Operation;
  readonly error: Error;
  /** so far */
  readonly attempts: number;
}

interface Entry extends StandingFailure {
  readonly sinceMs: number;
  readonly dueMs: number;
}

const TIMING: BackoffTiming = { firstMs: 500, maxMs: 30_000 };

export class RetryBook {
  readonly #entries = new Map<string, Entry>();
  readonly #timing: BackoffTiming;

  constructor(timing: BackoffTiming = TIMING) {
    this.#timing = timing;
  }

  get size(): number {
    return this.#entries.size;
  }

  get standing(): readonly StandingFailure[] {
    return [...this.#entries.values()];
  }

  /** @returns true when this subject was not failing before, so that a log says it once */
  failed({ operation, error }: FailedOperation, nowMs: number): boolean {
    const subject = operationSubject(operation);
    const known = this.#entries.get(subject);
    const attempts = (known?.attempts ?? 0) + 1;
    const delayMs = backoffMs(attempts - 1, this.#timing);
    const sinceMs = known?.sinceMs ?? nowMs;
    this.#entries.set(subject, { operation, error, attempts, sinceMs, dueMs: nowMs + delayMs });
    return known === undefined;
  }

  /** What was held back may have been waiting for it: that is due at once. */
  succeeded(operation: Operation): void {
    if (this.#entries.size === 0) return;
    const mended = this.#mendedBy([operation]);
    for (const subject of mended) this.#entries.delete(subject);
    if (mended.size > 0) this.#wakeHeldBack();
  }

  /** What keeps failing, without that which has just been done. */
  failingBut(done: readonly Operation[]): readonly Operation[] {
    if (this.#entries.size === 0) return [];
    const mended = this.#mendedBy(done);
    return [...this.#entries]
      .filter(([subject]) => !mended.has(subject))
      .map(([, { operation }]) => operation);
  }

  /**
   * Moves what is due into `scope`. An entry leaves the book when it succeeds, or when the next
   * round no longer wants it.
   */
  takeDue(nowMs: number, scope: Scope): void {
    for (const [subject, entry] of this.#entries) {
      if (entry.dueMs > nowMs) continue;
      scope.includeOperation(entry.operation);
      // Until the round reports on it again it must not be due at once.
      this.#entries.set(subject, { ...entry, dueMs: nowMs + this.#timing.maxMs });
    }
  }

  /** Forgets the subjects that a round looked at and did not need any more. */
  settle(scope: Scope, planned: readonly Operation[]): void {
    if (this.#entries.size === 0) return;
    const stillWanted = new Set(planned.map(operationSubject));
    let isCauseGone = false;
    for (const [subject, entry] of this.#entries) {
      if (stillWanted.has(subject) || !scope.covers(entry.operation)) continue;
      this.#entries.delete(subject);
      isCauseGone ||= !(entry.error instanceof HeldBackError);
    }
    if (isCauseGone) this.#wakeHeldBack();
  }

  /** Those that fail no longer once these are done: a set that was replaced holds its entries. */
  #mendedBy(done: readonly Operation[]): ReadonlySet<string> {
    const subjects = new Set(done.map(operationSubject));
    const replaced = done.filter(({ op }) => op === 'replaceSet');
    const failing = [...this.#entries].filter(
      ([subject, { operation }]) =>
        subjects.has(subject) || replaced.some((each) => holdsEntry(each, operation)),
    );
    return new Set(failing.map(([subject]) => subject));
  }

  #wakeHeldBack(): void {
    for (const [subject, entry] of this.#entries) {
      if (entry.error instanceof HeldBackError)
        this.#entries.set(subject, { ...entry, dueMs: -Infinity });
    }
  }

  nextDueMs(): number {
    let next = Infinity;
    for (const entry of this.#entries.values()) next = Math.min(next, entry.dueMs);
    return next;
  }

  /** When the oldest standing failure began; undefined when all is well. */
  failingSinceMs(): number | undefined {
    let since: number | undefined;
    for (const entry of this.#entries.values()) since = Math.min(since ?? Infinity, entry.sinceMs);
    return since;
  }
}

function holdsEntry(replacement: Operation, failing: Operation): boolean {
  return (
    replacement.op === 'replaceSet' &&
    failing.op === 'addEntry' &&
    failing.set.name === replacement.set.name &&
    replacement.entries.includes(failing.entry)
  );
}
