/** How long to wait after failures in a row. */

export interface BackoffTiming {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** @param failures that went before this one: min(first × 2ⁿ, max) */
export function backoffMs(failures: number, { firstMs, maxMs }: BackoffTiming): number {
  // The exponent is bounded because 2**1024 is Infinity and 0 × Infinity would be no number.
  return Math.min(firstMs * 2 ** Math.min(failures, 30), maxMs);
}

export interface JitteredTiming extends BackoffTiming {
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

/** With jitter, so that nodes do not come back in step. */
export class JitteredBackoff {
  readonly #timing: JitteredTiming;
  #failures = 0;

  constructor(timing: JitteredTiming) {
    this.#timing = timing;
  }

  /** @returns ms: between half of and the whole of what the failures so far call for */
  next(): number {
    const fullMs = backoffMs(this.#failures++, this.#timing);
    return fullMs * (0.5 + this.#timing.random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
