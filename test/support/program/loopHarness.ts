/**
 * A sync loop over a fake kernel and a real builder, told of changes by slim objects; each round
 * can be awaited.
 */
import { KernelView } from '../../../src/agent/loop/kernelView.ts';
import { RetryBook } from '../../../src/agent/loop/retryBook.ts';
import { SyncLoop } from '../../../src/agent/loop/syncLoop.ts';
import type { Part } from '../../../src/dataplane/part.ts';
import { DesiredBuilder } from '../../../src/desired/builder.ts';
import { Ledger } from '../../../src/kernel/ledger.ts';
import { ClusterStore, type ObjectState } from '../../../src/model/clusterStore.ts';
import { slimEndpointSlice } from '../../../src/model/slimEndpointSlice.ts';
import { slimService } from '../../../src/model/slimService.ts';
import { SystemClock } from '../../../src/ops/clock.ts';
import { DrainBook } from '../../../src/plan/drain.ts';
import type { Chore, RoundOutcome } from '../../../src/plan/round.ts';
import type { FakeKernel } from '../kernel/fakeKernel.ts';
import { dataplaneOptions, hostNetwork } from '../objects/nodeFixtures.ts';
import { temporaryPath } from './temporaryPath.ts';

export interface HarnessOptions {
  readonly syncPeriodMs?: number;
  readonly minSyncPeriodMs?: number;
  readonly retryMs?: number;
  readonly drainLookMs?: number;
  /** of an audit's comparison */
  readonly turnMs?: number | undefined;
}

export class LoopHarness {
  readonly kernel: FakeKernel;
  readonly store = new ClusterStore();
  readonly builder = new DesiredBuilder(this.store, dataplaneOptions(), hostNetwork());
  /** added to the clock */
  now = 0;
  readonly errors: Error[] = [];
  /** when each round that was given up is tried again */
  readonly retriesInMs: number[] = [];
  /** what each reading could not read */
  readonly readings: ReadonlyMap<Part, Error>[] = [];
  readonly chores: (readonly [Chore, Error | undefined])[] = [];
  readonly retries: RetryBook;
  readonly ledger: Ledger;
  readonly drain: DrainBook;
  readonly loop: SyncLoop;
  readonly #rounds: RoundOutcome[] = [];
  #waiting: ((outcome: RoundOutcome) => void) | undefined;
  #running: Promise<void> | undefined;

  private constructor(kernel: FakeKernel, ledger: Ledger, options: HarnessOptions) {
    this.kernel = kernel;
    this.ledger = ledger;
    const { retryMs = 1, drainLookMs = 1 } = options;
    this.retries = new RetryBook({ firstMs: retryMs, maxMs: 8 * retryMs });
    this.drain = new DrainBook({
      deadlineMs: 60_000,
      firstLookMs: drainLookMs,
      longestLookMs: drainLookMs,
      gridMs: drainLookMs,
    });
    const system = new SystemClock();
    const clock = {
      monotonicMs: () => system.monotonicMs() + this.now,
      after: (ms: number, action: () => void) => system.after(ms, action),
    };
    this.loop = new SyncLoop(
      {
        desired: this.builder,
        dataplane: kernel,
        view: new KernelView(kernel, clock),
        ledger,
        retries: this.retries,
        drain: this.drain,
        clock,
      },
      {
        syncPeriodMs: options.syncPeriodMs ?? 3_600_000,
        minSyncPeriodMs: options.minSyncPeriodMs ?? 0,
        excludeCidrs: [],
        turnMs: options.turnMs,
      },
      {
        onBegin: () => undefined,
        onEnd: () => undefined,
        onRound: (outcome) => this.#push(outcome),
        onAudit: () => undefined,
        onReading: ({ unread }) => this.readings.push(unread),
        onChore: (chore, error) => this.chores.push([chore, error]),
        onError: (error, retryInMs) => {
          this.errors.push(error);
          this.retriesInMs.push(retryInMs);
        },
      },
    );
  }

  static async create(kernel: FakeKernel, options: HarnessOptions = {}): Promise<LoopHarness> {
    const ledger = await Ledger.open(temporaryPath('ledger.json'));
    return new LoopHarness(kernel, ledger, options);
  }

  start(): void {
    this.#running = this.loop.run();
  }

  async stop(): Promise<void> {
    this.loop.stop();
    await this.#running;
  }

  /** The next round that was not awaited yet. */
  round(): Promise<RoundOutcome> {
    const next = this.#rounds.shift();
    if (next !== undefined) return Promise.resolve(next);
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  /** Rounds until one satisfies `isIt`. */
  async roundWhere(isIt: (outcome: RoundOutcome) => boolean): Promise<RoundOutcome> {
    for (;;) {
      const outcome = await this.round();
      if (isIt(outcome)) return outcome;
    }
  }

  service(raw: Record<string, unknown>): void {
    const { object } = slimService(raw);
    this.#change({ kind: 'Service', key: `${object!.namespace}/${object!.name}`, object });
  }

  removeService(key: string): void {
    this.#change({ kind: 'Service', key, object: undefined });
  }

  slice(raw: Record<string, unknown>): void {
    const { object } = slimEndpointSlice(raw);
    const { namespace, name } = object!;
    this.#change({ kind: 'EndpointSlice', key: `${namespace}/${name}`, object });
  }

  #change(state: ObjectState): void {
    const change = this.store.put(state);
    if (change === undefined) return;
    this.builder.change(change);
    this.loop.changed();
  }

  #push(outcome: RoundOutcome): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting(outcome);
    else this.#rounds.push(outcome);
  }
}
