/**
 * The one loop that writes to the kernel. A round takes every key that changed since the last one,
 * compares desired with known state for these keys only, applies the difference and books what
 * failed or still drains. The same round with a full scope is the start, and ends an audit
 * (`syncPeriod`), which reads and compares beside the rounds (audit.ts). What is beside them
 * (counting connections, the ledger too) never holds them up: it is tried again by itself.
 */
import { type DataplaneState, serverKey } from '../../dataplane/state.ts';
import type { Touched } from '../../dataplane/touched.ts';
import type { Ledger } from '../../kernel/ledger.ts';
import type { Address } from '../../net/address.ts';
import type { Dataplane, DummyNews } from '../../dataplane/dataplane.ts';
import { difference } from '../../plan/difference.ts';
import type { DrainBook, DrainSource } from '../../plan/drain.ts';
import { DriftBook } from '../../plan/driftBook.ts';
import { gate } from '../../plan/holdBack.ts';
import type { ApplyReport, Operation } from '../../dataplane/operations.ts';
import { orderPlan } from '../../plan/order.ts';
import { type BackoffTiming, backoffMs } from '../../time/backoff.ts';
import type { Clock } from '../../time/clock.ts';
import type { Chore, RoundOutcome } from '../../plan/round.ts';
import { Audit, type AuditEvents, type AuditOptions, comparedWith } from './audit.ts';
import { Disturbances } from './disturbances.ts';
import { applyGated } from './gatedApply.ts';
import type { KernelView } from './kernelView.ts';
import type { RetryBook } from './retryBook.ts';
import { Scope } from './scope.ts';
import { Waker } from './waker.ts';

/** What should be; DesiredBuilder is it in production. */
export interface DesiredSource extends DrainSource {
  readonly state: DataplaneState;
  /** recompiles what changed; @returns the keys that may differ since the last call */
  settle(): Touched;
  /** one of this node's own, on whatever interface but the dummy */
  isNodeAddress(address: Address): boolean;
}

export interface SyncLoopOptions extends AuditOptions {
  /** least time between the end of a round and the start of the next; 0 = none */
  readonly minSyncPeriodMs: number;
}

export interface SyncLoopEvents extends AuditEvents {
  /**
   * a round takes everything that has changed so far
   *
   * @param nowMs monotonic
   */
  onBegin(nowMs: number): void;
  /** after what else is told of the round; not done: it was given up and is tried again */
  onEnd(isDone: boolean): void;
  onRound(outcome: RoundOutcome): void;
  /** a chore failed and is tried again by itself, or works (undefined) */
  onChore(chore: Chore, error: Error | undefined): void;
  /**
   * nothing at all could be read at the start, or a bug: the round was given up and will be tried
   * again
   */
  onError(error: Error, retryInMs: number): void;
}

export interface SyncLoopParts {
  readonly desired: DesiredSource;
  readonly dataplane: Dataplane;
  readonly view: KernelView;
  readonly ledger: Ledger;
  readonly retries: RetryBook;
  readonly drain: DrainBook;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
}

const RETRY: BackoffTiming = { firstMs: 500, maxMs: 15_000 };
const CHORE_RETRY_MS = 5_000;

export class SyncLoop {
  readonly #parts: SyncLoopParts;
  readonly #options: SyncLoopOptions;
  readonly #events: SyncLoopEvents;
  readonly #waker: Waker;
  readonly #disturbances: Disturbances;
  readonly #drift = new DriftBook();
  readonly #audit: Audit;
  /** of the round under way */
  #desired: DesiredSource;
  /** of the next one */
  #source: DesiredSource;
  #hasChanges = false;
  #isRoundUnderWay = false;
  #isFullWanted = true;
  #isStopped = false;
  #nextDrainLookMs = -Infinity;
  #nextSaveMs = Infinity;
  #earliestRoundMs = -Infinity;
  #failures = 0;

  constructor(parts: SyncLoopParts, options: SyncLoopOptions, events: SyncLoopEvents) {
    this.#parts = parts;
    this.#desired = parts.desired;
    this.#source = parts.desired;
    this.#options = options;
    this.#events = events;
    this.#waker = new Waker(parts.clock);
    this.#disturbances = new Disturbances(parts.view, parts.ledger);
    const { view, ledger, retries, drain, clock } = parts;
    this.#audit = new Audit(
      { view, ledger, retries, drain, clock, drift: this.#drift, disturbances: this.#disturbances },
      options,
      events,
      () => this.#waker.signal(),
    );
  }

  /** Something desired changed: a round follows as soon as `minSyncPeriod` allows. */
  changed(): void {
    this.#hasChanges = true;
    this.#waker.signal();
  }

  /**
   * Compare everything in the next round; `desired` replaces the source after a new configuration.
   * The round under way goes on with the one that it has settled: a new one holds nothing before
   * that.
   */
  resync(desired: DesiredSource = this.#source): void {
    this.#source = desired;
    this.#isFullWanted = true;
    this.#waker.signal();
  }

  /**
   * What the kernel tells of the dummy device. Where it contradicts what we did, somebody else has
   * bound or taken away an address: a round looks at the device and puts that right.
   */
  noticed(news: DummyNews): void {
    this.#disturbances.told(news);
    if (!this.#isRoundUnderWay) this.#lookAtNews();
  }

  stop(): void {
    this.#isStopped = true;
    this.#audit.giveUp();
    this.#waker.signal();
  }

  /** Runs until {@link stop}; resolves when the round under way is finished. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#waker.wait(this.#msUntil(this.#nextWakeMs()));
      if (this.#isStopped) return;
      const nowMs = this.#now();
      if (this.#earliestRoundMs > nowMs) continue;
      await this.#attempt(nowMs);
    }
  }

  #nextWakeMs(): number {
    const isWanted =
      this.#hasChanges || this.#isFullWanted || this.#audit.isReady || !this.#disturbances.isEmpty;
    const next = Math.min(
      isWanted ? -Infinity : Infinity,
      this.#audit.dueMs,
      this.#nextSaveMs,
      this.#parts.retries.nextDueMs(),
      this.#drainLookMs(),
    );
    return Math.max(next, this.#earliestRoundMs);
  }

  #drainLookMs(): number {
    return Math.max(this.#parts.drain.nextCheckMs(), this.#nextDrainLookMs);
  }

  /**
   * The clock is not asked where its answer does not matter or is known: on some machines that is
   * dear.
   */
  #msUntil(atMs: number): number {
    return Number.isFinite(atMs) ? atMs - this.#now() : atMs;
  }

  /** monotonic ms */
  #now(): number {
    return this.#parts.clock.monotonicMs();
  }

  async #attempt(startMs: number): Promise<void> {
    let isDone = false;
    this.#isRoundUnderWay = true;
    this.#events.onBegin(startMs);
    try {
      const endMs = await this.#round(startMs);
      this.#failures = 0;
      isDone = true;
      const { minSyncPeriodMs } = this.#options;
      this.#earliestRoundMs = minSyncPeriodMs > 0 ? endMs + minSyncPeriodMs : -Infinity;
    } catch (error) {
      const delayMs = backoffMs(this.#failures++, RETRY);
      this.#isFullWanted = true;
      this.#earliestRoundMs = this.#now() + delayMs;
      this.#events.onError(error as Error, delayMs);
    }
    this.#events.onEnd(isDone);
    this.#isRoundUnderWay = false;
    this.#lookAtNews();
  }

  #lookAtNews(): void {
    this.#disturbances.compare();
    if (!this.#disturbances.isEmpty) this.#waker.signal();
  }

  /** @returns when its work was over, monotonic ms */
  async #round(startMs: number): Promise<number> {
    this.#desired = this.#source;
    if (startMs >= this.#audit.dueMs) this.#audit.begin(this.#desired);
    const scope = this.#takeScope(startMs);
    const compiledMs = this.#now();
    const { isToBeRead } = this.#audit;
    if (isToBeRead) await this.#audit.takeReading(this.#desired, scope);
    const isDisturbed = !this.#disturbances.isEmpty;
    if (isDisturbed) await this.#lookAtDevice(scope);
    const isDrainDue = startMs >= this.#drainLookMs();
    const drained = isDrainDue ? await this.#drainOperations(startMs) : [];
    const readMs = isToBeRead || isDisturbed || isDrainDue ? this.#now() : compiledMs;
    const planned = scope.isEmpty ? drained : [...drained, ...this.#plan(scope)];
    let endMs = readMs;
    if (!scope.isEmpty || planned.length > 0) {
      this.#drift.find(planned, this.#parts.view.state, scope.isFull);
      const comparedMs = this.#now();
      const report = await this.#apply(planned);
      endMs = this.#now();
      const newlyFailed = this.#book(scope, planned, report, endMs);
      const repaired = this.#drift.repaired(report);
      const { isFull, searchMs = 0 } = scope;
      const phasesMs = {
        compile: compiledMs - startMs,
        compare: comparedMs - readMs + searchMs,
        apply: endMs - comparedMs,
      };
      const times = { durationMs: endMs - startMs + searchMs, phasesMs };
      this.#events.onRound({ isFull, planned, report, newlyFailed, repaired, ...times });
    }
    await this.#saveLedger();
    return endMs;
  }

  #takeScope(nowMs: number): Scope {
    const scope = new Scope();
    this.#hasChanges = false;
    scope.include(this.#desired.settle());
    this.#parts.retries.takeDue(nowMs, scope);
    scope.isFull = this.#isFullWanted;
    this.#isFullWanted = false;
    if (scope.isFull) this.#audit.giveUp();
    else this.#audit.takeFindings(scope);
    return scope;
  }

  /** What else there is of it, and whether it can be read at all, an audit tells. */
  async #lookAtDevice(scope: Scope): Promise<void> {
    try {
      const { addresses, isDeviceLost } = await this.#disturbances.look();
      this.#drift.told(addresses, isDeviceLost);
      const untouched = { servers: new Set<never>(), entries: new Map<never, never>() };
      scope.include({ ...untouched, addresses, hasNewRules: isDeviceLost });
    } catch {
      this.#audit.soon();
    }
  }

  /** Draining destinations whose connections have ended, or whose deadline has passed. */
  async #drainOperations(nowMs: number): Promise<readonly Operation[]> {
    const { drain, dataplane } = this.#parts;
    try {
      const servers = drain.dueServers(nowMs);
      const counts = await dataplane.connections(servers);
      this.#events.onChore('drain', undefined);
      return drain.check(servers, counts, nowMs, this.#desired);
    } catch (error) {
      this.#nextDrainLookMs = nowMs + CHORE_RETRY_MS;
      this.#events.onChore('drain', error as Error);
      return [];
    }
  }

  async #saveLedger(): Promise<void> {
    const { ledger } = this.#parts;
    if (!ledger.isDirty || (this.#nextSaveMs < Infinity && this.#now() < this.#nextSaveMs)) return;
    try {
      await ledger.save();
      this.#nextSaveMs = Infinity;
      this.#events.onChore('ledger', undefined);
    } catch (error) {
      this.#nextSaveMs = this.#now() + CHORE_RETRY_MS;
      this.#events.onChore('ledger', error as Error);
    }
  }

  #plan(scope: Scope): readonly Operation[] {
    const { view, ledger } = this.#parts;
    const context = comparedWith(view.state, ledger, this.#options.excludeCidrs);
    const isOfAll = scope.isFull && scope.searchMs === undefined;
    const keys = isOfAll ? {} : { scope };
    return orderPlan(difference(this.#desired.state, view.state, { ...context, ...keys }));
  }

  /**
   * What is new waits where rules, sets or entries failed that it needs, now or in an earlier
   * round.
   */
  #apply(planned: readonly Operation[]): Promise<ApplyReport> {
    const { dataplane, view, retries } = this.#parts;
    return applyGated(planned, dataplane, ({ done, failed }) => {
      const standing = retries.failingBut(done);
      const troubles = {
        failed: [...standing, ...failed.map(({ operation }) => operation)],
        unknown: view.state.unknown,
      };
      return gate(troubles, this.#desired.state);
    });
  }

  #book(scope: Scope, planned: readonly Operation[], report: ApplyReport, nowMs: number) {
    const { view, ledger, retries, drain } = this.#parts;
    view.record(report);
    retries.settle(scope, planned);
    for (const operation of report.done) {
      retries.succeeded(operation);
      noteInLedger(ledger, operation, view.state);
    }
    const newlyFailed = report.failed.filter((failure) => retries.failed(failure, nowMs));
    // A server whose removal failed has lost its address and entries: only the ledger still knows
    // it as ours.
    for (const { operation } of report.failed) {
      if (operation.op === 'removeServer') ledger.add(serverKey(operation.server));
    }
    drain.record(report, nowMs);
    return newlyFailed;
  }
}

/**
 * Servers on addresses that the dummy device does not carry: nothing but the ledger tells the next
 * process about them.
 */
function noteInLedger(ledger: Ledger, operation: Operation, kernel: DataplaneState): void {
  if (operation.op === 'removeServer') ledger.delete(serverKey(operation.server));
  const isProgrammed = operation.op === 'addServer' || operation.op === 'updateServer';
  if (isProgrammed && !kernel.addresses.has(operation.server.address)) {
    ledger.add(serverKey(operation.server));
  }
}
