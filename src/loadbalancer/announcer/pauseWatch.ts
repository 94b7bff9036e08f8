/**
 * Whether the process stood still: a stopped process or a frozen machine does not know what was
 * said meanwhile, and must not answer by what it knew.
 */

/** Later than this, a tick is no busy machine's any more. */
const LATE_MS = 300;
/** A machine that was frozen has its monotonic clock stopped, and its wall clock set afterwards. */
const APART_MS = 500;

export class PauseWatch {
  readonly #tickMs: number;
  #last: { readonly monotonicMs: number; readonly wallMs: number } | undefined;

  /** @param tickMs how often it is asked */
  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  /** @returns how long the pause since the last time was, ms; 0: there was none */
  tick(monotonicMs: number, wallMs: number): number {
    const last = this.#last;
    this.#last = { monotonicMs, wallMs };
    if (last === undefined) return 0;
    const passedMs = monotonicMs - last.monotonicMs;
    const wallPassedMs = wallMs - last.wallMs;
    const isPause = passedMs > this.#tickMs + LATE_MS || wallPassedMs - passedMs > APART_MS;
    return isPause ? Math.max(passedMs, wallPassedMs) : 0;
  }
}
