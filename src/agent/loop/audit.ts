/**
 * The audit: everything is read beside the rounds, and compared in turns between them, so that no
 * change waits for either. The round that follows looks again at what was found, together with what
 * has changed by then, and puts it right. At the start, and when everything is to be compared
 * anyway, the round does that itself.
 */
import type { Address } from '../../net/address.ts';
import type { Prefix } from '../../net/prefix.ts';
import type { Operation } from '../../dataplane/operations.ts';
import type { ActualState, DesiredState } from '../../dataplane/state.ts';
import type { Ledger } from '../../kernel/ledger.ts';
import { type DifferenceContext, slicesOfDifference } from '../../plan/difference.ts';
import type { DrainBook } from '../../plan/drain.ts';
import type { DriftBook } from '../../plan/driftBook.ts';
import { ownership, takeOver } from '../../plan/ownership.ts';
import type { ReadingOutcome } from '../../plan/round.ts';
import { exhaust } from '../../plan/slices.ts';
import { type BackoffTiming, backoffMs } from '../../time/backoff.ts';
import type { Clock } from '../../time/clock.ts';
import type { Disturbances } from './disturbances.ts';
import type { KernelView, Refreshed } from './kernelView.ts';
import type { RetryBook } from './retryBook.ts';
import type { Scope } from './scope.ts';
import { SlicedComparison } from './slicedComparison.ts';

export interface AuditOptions {
  /** from one audit to the next */
  readonly syncPeriodMs: number;
  readonly excludeCidrs: readonly Prefix[];
  /** of the event loop, for comparing; default 4 */
  readonly turnMs?: number | undefined;
}

export interface AuditEvents {
  /** the kernel is read beside the rounds from now on, until onReading */
  onAudit(): void;
  /** before the round that compares what was read */
  onReading(outcome: ReadingOutcome): void;
}

/** What it asks of what should be. */
export interface AuditedSource {
  readonly state: DesiredState;
  isNodeAddress(address: Address): boolean;
}

export interface AuditParts {
  readonly view: KernelView;
  readonly ledger: Ledger;
  readonly retries: RetryBook;
  readonly drain: DrainBook;
  readonly drift: DriftBook;
  readonly disturbances: Disturbances;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
}

const RETRY: BackoffTiming = { firstMs: 500, maxMs: 15_000 };
const TURN_MS = 4;

export class Audit {
  readonly #parts: AuditParts;
  readonly #options: AuditOptions;
  readonly #events: AuditEvents;
  readonly #wake: () => void;
  readonly #comparison: SlicedComparison;
  #nextMs = Infinity;
  #isReadingDone = false;
  #hasTakenOver = false;
  #failures = 0;

  /** @param wake it is ready for a round */
  constructor(parts: AuditParts, options: AuditOptions, events: AuditEvents, wake: () => void) {
    this.#parts = parts;
    this.#options = options;
    this.#events = events;
    this.#wake = wake;
    this.#comparison = new SlicedComparison(parts.clock, options.turnMs ?? TURN_MS, wake);
  }

  /** When to {@link begin}, monotonic ms: never while one is under way. */
  get dueMs(): number {
    return this.#comparison.isUnderWay ? Infinity : this.#nextMs;
  }

  /** A round has something to take. */
  get isReady(): boolean {
    return this.#isReadingDone || this.#comparison.isDone;
  }

  get isToBeRead(): boolean {
    return this.#isReadingDone || !this.#parts.view.isKnown;
  }

  /** Something is not known as it was thought. */
  soon(): void {
    this.#nextMs = this.#parts.clock.monotonicMs();
  }

  begin({ state }: AuditedSource): void {
    this.#nextMs = Infinity;
    this.#events.onAudit();
    void this.#parts.view.prefetch(state.sysctls.keys()).then(() => {
      this.#isReadingDone = true;
      this.#wake();
    });
  }

  /** Everything is compared at once instead, or never again. */
  giveUp(): void {
    this.#comparison.giveUp();
  }

  /**
   * What could be read is compared, in this round or until one that follows; what could not be is
   * read again soon, and nothing waits for it.
   */
  async takeReading(source: AuditedSource, scope: Scope): Promise<void> {
    const { view, clock } = this.#parts;
    this.#isReadingDone = false;
    const refreshed = await view.refresh(source.state.sysctls.keys());
    const nowMs = clock.monotonicMs();
    if (refreshed !== undefined) this.#compare(source, refreshed, scope, nowMs);
    const { unread, unconfirmed, readingMs: durationMs } = view;
    const delayMs = unread.size === 0 ? Infinity : backoffMs(this.#failures++, RETRY);
    if (unread.size === 0) this.#failures = 0;
    this.#nextMs = nowMs + Math.min(delayMs, this.#options.syncPeriodMs);
    const nextInMs = this.#nextMs - nowMs;
    this.#events.onReading({ unread, unconfirmed, durationMs, nextInMs });
  }

  /**
   * What the comparison found, if it is through: the round decides about everything then.
   *
   * @throws what the comparison threw
   */
  takeFindings(scope: Scope): void {
    if (!this.#comparison.isDone) return;
    const { operations, durationMs } = this.#comparison.take();
    for (const operation of operations) scope.includeOperation(operation);
    // They may have failed since their keys were compared.
    for (const { operation } of this.#parts.retries.standing) scope.includeOperation(operation);
    scope.isFull = true;
    scope.searchMs = durationMs;
  }

  #compare(source: AuditedSource, { before }: Refreshed, scope: Scope, nowMs: number): void {
    const { view, ledger, drift, disturbances } = this.#parts;
    const { state } = source;
    drift.read(before);
    disturbances.lost(before?.addresses ?? new Set());
    if (!this.#hasTakenOver) {
      const isNodeAddress = (address: Address) => source.isNodeAddress(address);
      this.#hasTakenOver = takeOver(view.state, state, ledger, isNodeAddress);
    }
    if (before !== undefined && !scope.isFull) {
      this.#comparison.begin(this.#slices(state, nowMs));
      this.takeFindings(scope);
      return;
    }
    exhaust(this.#parts.drain.adopt(state, view.state, nowMs));
    scope.isFull = true;
  }

  *#slices(desired: DesiredState, nowMs: number): Generator<readonly Operation[], void> {
    const { view, ledger, drain } = this.#parts;
    const context = comparedWith(view.state, ledger, this.#options.excludeCidrs);
    yield* drain.adopt(desired, view.state, nowMs);
    yield* slicesOfDifference(desired, view.state, context);
  }
}

/** Of a comparison with the kernel as it is known now. */
export function comparedWith(
  actual: ActualState,
  ledger: Pick<Ledger, 'has'>,
  excludeCidrs: readonly Prefix[],
): DifferenceContext {
  return { isOwned: ownership(actual, ledger), excludeCidrs };
}
