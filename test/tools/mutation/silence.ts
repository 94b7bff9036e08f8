/**
 * For how long a process has said nothing, without the time in which it only waited for a
 * processor: at a low priority beside other work that can be minutes, and says nothing about the
 * process.
 */
import { readFileSync } from 'node:fs';

/**
 * Of the main thread, in milliseconds; 0 of a process that is gone, or where the kernel does not
 * count it.
 */
export type WaitedMs = (pid: number | undefined) => number;

export const waitedForProcessor: WaitedMs = (pid) => {
  try {
    return waitedIn(readFileSync(`/proc/${pid}/schedstat`, 'utf8'));
  } catch {
    return 0;
  }
};

/**
 * The second figure of the three: nanoseconds on a run queue
 * (Documentation/scheduler/sched-stats.rst).
 */
export function waitedIn(schedstat: string): number {
  return Number(schedstat.split(' ')[1]) / 1e6;
}

export class Silence {
  readonly #pid: number | undefined;
  readonly #now: () => number;
  readonly #waited: WaitedMs;
  #sinceMs = 0;

  constructor(pid: number | undefined, now = () => performance.now(), waited = waitedForProcessor) {
    this.#pid = pid;
    this.#now = now;
    this.#waited = waited;
    this.interrupt();
  }

  /** It has said something. */
  interrupt(): void {
    this.#sinceMs = this.#couldRunMs();
  }

  lengthMs(): number {
    return this.#couldRunMs() - this.#sinceMs;
  }

  #couldRunMs(): number {
    return this.#now() - this.#waited(this.#pid);
  }
}
