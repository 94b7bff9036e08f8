/** Lets the loop sleep until something happens or a moment comes, whichever is first; signals while awake are kept. */

export class Waker {
  #isSignalled = false;
  #wake: (() => void) | undefined;

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
    // setTimeout overflows above 2^31-1 ms and would fire at once.
    const bounded = Math.min(timeoutMs, 0x7fffffff);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, bounded);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
