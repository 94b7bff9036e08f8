/**
 * When to say again that something is still wrong. A failure that is tried again every few seconds
 * is worth one line at its beginning, another when its reason changes, a reminder now and then for
 * whoever looks at the end of the log, and one line when it is over.
 */

export interface ReminderTiming {
  /** a new reason is told no sooner than this after the last line */
  readonly quietMs: number;
  readonly reminderMs: number;
}

export const REMINDER_TIMING: ReminderTiming = { quietMs: 10_000, reminderMs: 300_000 };

export class StandingTrouble {
  readonly #timing: ReminderTiming;
  #told: { readonly reason: string; readonly atMs: number } | undefined;

  constructor(timing: ReminderTiming = REMINDER_TIMING) {
    this.#timing = timing;
  }

  /**
   * It failed, again or for the first time.
   *
   * @param reason the same for failures that are one and the same to a reader
   * @param nowMs monotonic
   * @returns whether to say so
   */
  persists(reason: string, nowMs: number): boolean {
    const told = this.#told;
    const sinceMs = told === undefined ? Infinity : nowMs - told.atMs;
    const isWorthALine =
      sinceMs >= this.#timing.reminderMs ||
      (sinceMs >= this.#timing.quietMs && told?.reason !== reason);
    if (isWorthALine) this.#told = { reason, atMs: nowMs };
    return isWorthALine;
  }

  /** @returns whether it had been told, so that its end is worth a line too */
  ends(): boolean {
    const wasTold = this.#told !== undefined;
    this.#told = undefined;
    return wasTold;
  }
}
