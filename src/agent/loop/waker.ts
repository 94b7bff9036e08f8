/**
 * Lets the loop sleep until something happens or a moment comes, whichever is first; signals while
 * awake are kept.
 */
import type { Clock } from '../../time/clock.ts';

export class Waker {
  readonly #clock: Pick<Clock, 'after'>;
  #isSignalled = false;
  #wake: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  signal(): void {
    this.#isSignalled = true;
    this.#wake?.();
  }

  /** Resolves at once when signalled since the last wait; `timeoutMs` may be Infinity. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isSignalled && timeoutMs > 0) await this.#sleep(timeoutMs);
    this.#isSignalled = false;
  }

  async #sleep(timeoutMs: number): Promise<void> {
    let cancel: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      cancel = this.#clock.after(timeoutMs, resolve);
    });
    this.#wake = undefined;
    cancel?.();
  }
}
