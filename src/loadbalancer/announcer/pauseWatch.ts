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

  /** @returns whether there was a pause since the last time */
  tick(monotonicMs: number, wallMs: number): boolean {
    const last = this.#last;
    this.#last = { monotonicMs, wallMs };
    if (last === undefined) return false;
    const passedMs = monotonicMs - last.monotonicMs;
    const wallPassedMs = wallMs - last.wallMs;
    return passedMs > this.#tickMs + LATE_MS || wallPassedMs - passedMs > APART_MS;
  }
}
