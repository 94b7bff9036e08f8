/**
 * Lets the loop sleep until something happens or a moment comes, whichever is first; signals while
 * awake are kept.
 */

export class Waker {
  readonly #clock: Pick<Clock, 'sleep'>;
  #isSignalled = false;
  #sleeping: AbortController | undefined;

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock;
  }

  signal(): void {
    this.#isSignalled = true;
    this.#sleeping?.abort();
  }

  /** Resolves at once when signalled since the last wait; `timeoutMs` may be Infinity. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isSignalled && timeoutMs > 0) await this.#sleep(timeoutMs);
    this.#isSignalled = false;
  }

  async #sleep(timeoutMs: number): Promise<void> {
    const sleeping = new AbortController();
    this.#sleeping = sleeping;
    await this.#clock.sleep(timeoutMs, sleeping.signal).catch(() => undefined);
    this.#sleeping = undefined;
  }
}
import type { Clock } from '../../time/clock.ts';
