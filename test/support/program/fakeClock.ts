/**
 * A clock that stands still until a test moves it; satisfies ops/clock.ts and
 * cluster/transport.ts's Timing.
 */

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

export class FakeClock {
  /** every sleep asked for, in order, in ms */
  readonly sleeps: number[] = [];
  #nowMs = 0;
  #sleepers: Sleeper[] = [];
  #epochMs: number;

  constructor(epochMs = Date.UTC(2026, 10, 24, 15, 4, 5, 678)) {
    this.#epochMs = epochMs;
  }

  wallMs(): number {
    return this.#epochMs + this.#nowMs;
  }

  /** Somebody sets the time of day; no time passes. */
  jump(ms: number): void {
    this.#epochMs += ms;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** when the next sleeper is due; undefined while nobody sleeps */
  get nextDueMs(): number | undefined {
    const due = this.#sleepers.map(({ dueMs }) => dueMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms);
    return new Promise((resolve, reject) => {
      const sleeper = { dueMs: this.#nowMs + ms, wake: resolve };
      const abort = () => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        reject(new DOMException('The sleep was aborted', 'AbortError'));
      };
      if (signal?.aborted === true) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  after(ms: number, action: () => void): () => void {
    this.sleeps.push(ms);
    const sleeper = { dueMs: this.#nowMs + ms, wake: action };
    this.#sleepers.push(sleeper);
    return () => {
      this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
    };
  }

  /**
   * Moves time step by step through everything that is due, letting the woken work run in between.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#sleepers.toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#sleepers = this.#sleepers.filter((each) => each !== next);
      next.wake();
    }
    this.#nowMs = untilMs;
    await settle();
  }
}

/** Lets everything run that can run without time passing. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
