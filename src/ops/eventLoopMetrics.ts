/**
 * `kubeipvs_event_loop_turn_seconds`: for how long at once the process was busy and deaf, turn of
 * the event loop by turn, while it does what may take long: its start and its audits. A change
 * takes a few short turns, and where reading a clock is a system call (virtual machines without a
 * paravirtual clock) looking at each of them was a twelfth of what the change cost. Node's own
 * histogram of delays (monitorEventLoopDelay) is a timer: it wakes a process that has nothing to do
 * a hundred times a second (0.7 % of a core, measured), or is slow and misses what falls between
 * its ticks. Here a turn is looked at when it ends, and a loop that sleeps is let sleep.
 */
import { performance } from 'node:perf_hooks';
import { Histogram, type Registry } from 'prom-client';

export interface EventLoop {
  /** ms that it has been awake, ever growing */
  activeMs(): number;
  /**
   * Calls once when the turn under way has ended, or the next one if it sleeps; does not wake it
   * for that, and keeps no process from ending.
   *
   * @returns takes it back
   */
  afterTurn(action: () => void): () => void;
}

/** Immediates run behind what came in, once a turn. */
export const thisEventLoop: EventLoop = {
  activeMs: () => performance.eventLoopUtilization().active,
  afterTurn(action) {
    const immediate = setImmediate(action).unref();
    return () => clearImmediate(immediate);
  },
};

/** Around 0.03 s: longer than that nothing is to be kept waiting. */
const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

export class EventLoopMetrics {
  readonly #loop: EventLoop;
  readonly #turns: Histogram;
  #isWatched = false;
  #beforeMs: number | undefined;
  #takeBack: (() => void) | undefined;

  constructor(register: Registry, loop: EventLoop = thisEventLoop) {
    this.#loop = loop;
    this.#turns = new Histogram({
      name: 'kubeipvs_event_loop_turn_seconds',
      help: 'How long each turn of the event loop was busy during the start and audits: what came meanwhile waited for its end',
      buckets: BUCKETS,
      registers: [register],
    });
  }

  /** From the end of the turn under way on, until {@link rest}. */
  watch(): void {
    this.#isWatched = true;
    this.#takeBack ??= this.#loop.afterTurn(this.#look);
  }

  /** The turn under way is the last one that counts. */
  rest(): void {
    this.#isWatched = false;
  }

  /** Not even the turn under way counts any more. */
  stop(): void {
    this.#takeBack?.();
  }

  readonly #look = (): void => {
    const nowMs = this.#loop.activeMs();
    if (this.#beforeMs !== undefined) this.#turns.observe((nowMs - this.#beforeMs) / 1000);
    this.#beforeMs = this.#isWatched ? nowMs : undefined;
    this.#takeBack = this.#isWatched ? this.#loop.afterTurn(this.#look) : undefined;
  };
}
