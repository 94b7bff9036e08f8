/**
 * The one loop that writes to the kernel. A round takes every key that changed since the last one, compares desired with
 * known state for these keys only, applies the difference and books what failed or still drains. The same round with a
 * full scope is the start, the audit (`syncPeriod`) and the cure for damage to what is fixed.
 */
import { type DataplaneState, serverKey } from '../desired/state.ts';
import type { Touched } from '../desired/touched.ts';
import type { Prefix } from '../net/prefix.ts';
import type { Dataplane } from '../plan/dataplane.ts';
import { difference } from '../plan/difference.ts';
import type { DrainBook } from '../plan/drain.ts';
import type { ApplyReport, Operation } from '../plan/operations.ts';
import { orderPlan } from '../plan/order.ts';
import type { KernelView } from './kernelView.ts';
import type { Ledger } from './ledger.ts';
import { ownership } from './ownership.ts';
import type { RetryBook } from './retryBook.ts';
import { Scope } from './scope.ts';
import { Waker } from './waker.ts';

/** What should be; DesiredBuilder is it in production. */
export interface DesiredSource {
  readonly state: DataplaneState;
  /** recompiles what changed; @returns the keys that may differ since the last call */
  settle(): Touched;
}

export interface RoundOutcome {
  readonly isFull: boolean;
  readonly planned: readonly Operation[];
  readonly report: ApplyReport;
  /** subjects that failed in this round and not before */
  readonly newlyFailed: readonly { operation: Operation; error: Error }[];
  readonly durationMs: number;
}

export interface SyncLoopOptions {
  /** the audit's period */
  readonly syncPeriodMs: number;
  /** least time between the end of a round and the start of the next; 0 = none */
  readonly minSyncPeriodMs: number;
  readonly excludeCidrs: readonly Prefix[];
}

export interface SyncLoopEvents {
  onRound(outcome: RoundOutcome): void;
  /** the kernel could not be read, or a bug: the round was given up and will be tried again */
  onError(error: Error, retryInMs: number): void;
}

export interface SyncLoopParts {
  readonly desired: DesiredSource;
  readonly dataplane: Dataplane;
  readonly view: KernelView;
  readonly ledger: Ledger;
  readonly retries: RetryBook;
  readonly drain: DrainBook;
  /** monotonic milliseconds */
  readonly now: () => number;
}

const READ_RETRY_MS = { first: 500, max: 15_000 };

export class SyncLoop {
  readonly #parts: SyncLoopParts;
  readonly #options: SyncLoopOptions;
  readonly #events: SyncLoopEvents;
  readonly #waker = new Waker();
  #desired: DesiredSource;
  #hasChanges = false;
  #isFullWanted = true;
  #isStopped = false;
  #nextAuditMs = Infinity;
  #earliestRoundMs = -Infinity;
  #readFailures = 0;

  constructor(parts: SyncLoopParts, options: SyncLoopOptions, events: SyncLoopEvents) {
    this.#parts = parts;
    this.#desired = parts.desired;
    this.#options = options;
    this.#events = events;
  }

  /** Something desired changed: a round follows as soon as `minSyncPeriod` allows. */
  changed(): void {
    this.#hasChanges = true;
    this.#waker.signal();
  }

  /** Read the kernel and compare everything in the next round; `desired` replaces the source after a new configuration. */
  resync(desired: DesiredSource = this.#desired): void {
    this.#desired = desired;
    this.#isFullWanted = true;
    this.#waker.signal();
  }

  stop(): void {
    this.#isStopped = true;
    this.#waker.signal();
  }

  /** Runs until {@link stop}; resolves when the round under way is finished. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#waker.wait(this.#nextWakeMs() - this.#parts.now());
      if (this.#isStopped) return;
      if (this.#parts.now() < this.#earliestRoundMs) continue;
      await this.#attempt();
    }
  }

  #nextWakeMs(): number {
    const { retries, drain } = this.#parts;
    const wanted = this.#hasChanges || this.#isFullWanted ? -Infinity : Infinity;
    const next = Math.min(wanted, this.#nextAuditMs, retries.nextDueMs(), drain.nextCheckMs());
    return Math.max(next, this.#earliestRoundMs);
  }

  async #attempt(): Promise<void> {
    try {
      await this.#round();
      this.#readFailures = 0;
      this.#earliestRoundMs = this.#parts.now() + this.#options.minSyncPeriodMs;
    } catch (error) {
      const delayMs = Math.min(READ_RETRY_MS.first * 2 ** this.#readFailures++, READ_RETRY_MS.max);
      this.#isFullWanted = true;
      this.#earliestRoundMs = this.#parts.now() + delayMs;
      this.#events.onError(error as Error, delayMs);
    }
  }

  async #round(): Promise<void> {
    const startMs = this.#parts.now();
    if (startMs >= this.#nextAuditMs) this.#beginAudit();
    const scope = this.#takeScope(startMs);
    if (scope.isFull) await this.#readKernel(startMs);
    const drained = await this.#drainOperations(startMs);
    const planned = scope.isEmpty ? drained : [...drained, ...this.#plan(scope)];
    if (scope.isEmpty && planned.length === 0) return;
    const report = await this.#parts.dataplane.apply(planned);
    const newlyFailed = await this.#book(scope, planned, report);
    const durationMs = this.#parts.now() - startMs;
    this.#events.onRound({ isFull: scope.isFull, planned, report, newlyFailed, durationMs });
  }

  /** The kernel is read beside the rounds, so that no change waits for it; the round that follows compares everything. */
  #beginAudit(): void {
    const { view } = this.#parts;
    this.#nextAuditMs = Infinity;
    void view.prefetch(this.#desired.state.sysctls.keys()).then(() => {
      if (view.hasReading) this.resync();
    });
  }

  #takeScope(nowMs: number): Scope {
    const scope = new Scope();
    this.#hasChanges = false;
    scope.include(this.#desired.settle());
    this.#parts.retries.takeDue(nowMs, scope);
    scope.isFull ||= this.#isFullWanted;
    if (scope.isFull) {
      this.#isFullWanted = false;
      this.#nextAuditMs = nowMs + this.#options.syncPeriodMs;
    }
    return scope;
  }

  async #readKernel(nowMs: number): Promise<void> {
    const { view, drain } = this.#parts;
    const { state } = this.#desired;
    await view.refresh(state.sysctls.keys());
    drain.adopt(state, view.state, nowMs);
  }

  /** Draining destinations whose connections have ended, or whose deadline has passed. */
  async #drainOperations(nowMs: number): Promise<readonly Operation[]> {
    const { drain, dataplane } = this.#parts;
    if (nowMs < drain.nextCheckMs()) return [];
    const counts = await dataplane.connections(drain.servers());
    return drain.check(counts, nowMs, this.#desired.state);
  }

  #plan(scope: Scope): readonly Operation[] {
    const { view, ledger } = this.#parts;
    const operations = difference(this.#desired.state, view.state, {
      isOwned: ownership(view.state, ledger),
      excludeCidrs: this.#options.excludeCidrs,
      ...(scope.isFull ? {} : { scope }),
    });
    return orderPlan(operations);
  }

  async #book(scope: Scope, planned: readonly Operation[], report: ApplyReport) {
    const { view, ledger, retries, drain, now } = this.#parts;
    const nowMs = now();
    view.record(report);
    retries.settle(scope, planned);
    for (const operation of report.done) {
      retries.succeeded(operation);
      noteInLedger(ledger, operation, view.state);
    }
    const newlyFailed = report.failed.filter((failure) => retries.failed(failure, nowMs));
    // A server whose removal failed has lost its address and entries: only the ledger still knows it as ours.
    for (const { operation } of report.failed) {
      if (operation.op === 'removeServer') ledger.add(serverKey(operation.server));
    }
    drain.record(report, nowMs);
    await ledger.save();
    return newlyFailed;
  }
}

/** Servers on addresses that the dummy device does not carry: nothing but the ledger tells the next process about them. */
function noteInLedger(ledger: Ledger, operation: Operation, kernel: DataplaneState): void {
  if (operation.op === 'removeServer') ledger.delete(serverKey(operation.server));
  const isProgrammed = operation.op === 'addServer' || operation.op === 'updateServer';
  if (isProgrammed && !kernel.addresses.has(operation.server.address)) {
    ledger.add(serverKey(operation.server));
  }
}
