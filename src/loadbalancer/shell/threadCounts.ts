import type { ThreadCounters } from '../announcer/messages.ts';

/** What the thread counts itself. */
export class ThreadCounts {
  pauses = 0;
  readonly #beatsDropped: Record<string, number> = {};
  readonly #beatsUnsent: Record<string, number> = {};

  beatDropped(reason: string): void {
    this.#beatsDropped[reason] = (this.#beatsDropped[reason] ?? 0) + 1;
  }

  /** @param code errno's name */
  beatUnsent(code: string): void {
    this.#beatsUnsent[code] = (this.#beatsUnsent[code] ?? 0) + 1;
  }

  get told(): Pick<ThreadCounters, 'pauses' | 'beatsDropped' | 'beatsUnsent'> {
    const { pauses } = this;
    return { pauses, beatsDropped: this.#beatsDropped, beatsUnsent: this.#beatsUnsent };
  }
}
