/** Time as a part that is handed in, so that tests decide what time it is. */

export interface Clock {
  /** ms since the epoch, for what people and other programs read; jumps when the clock is set */
  wallMs(): number;
  /** ms on a clock that never jumps, for durations and deadlines */
  monotonicMs(): number;
  /** rejects with an AbortError when the signal fires; Infinity waits for that alone */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `action` once, never for Infinity; cheaper than a sleep that is mostly given up.
   *
   * @returns takes it back, also when it was called
   */
  after(ms: number, action: () => void): () => void;
}
