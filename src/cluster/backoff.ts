/** How long to wait after the n-th failure in a row: exponential, with jitter so that nodes do not come back in step. */

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** @returns ms: between half of and the whole of min(base × 2ⁿ, max) */
  next(): number {
    const { baseMs, maxMs, random } = this.#options;
    // The exponent is bounded because 2**1024 is Infinity and so would be base × it before min().
    const full = Math.min(baseMs * 2 ** Math.min(this.#failures, 30), maxMs);
    this.#failures++;
    return full * (0.5 + random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
