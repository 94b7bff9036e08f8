/** The clocks of this machine. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../time/clock.ts';

/** A timer holds 31 bits; one that is asked for more fires at once. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

/**
 * A clock that was set jumps by more than its own grain; less is what a round-off or a slow read
 * makes.
 */
const GRAIN_MS = 2;

/**
 * Wall time in ms with microseconds behind the point: Date has none, so the fraction comes from the
 * clock that never jumps, tied to Date anew whenever the two are apart.
 */
export function preciseWallClock(
  dateMs: () => number = Date.now,
  monotonicMs: () => number = () => performance.now(),
): () => number {
  let offsetMs = dateMs() - monotonicMs();
  return () => {
    const date = dateMs();
    const precise = monotonicMs() + offsetMs;
    if (Math.abs(precise - date) <= GRAIN_MS) return precise;
    offsetMs += date - precise;
    return date;
  };
}

export class SystemClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const options = signal === undefined ? {} : { signal };
    let leftMs = ms;
    for (; leftMs > LONGEST_TIMER_MS; leftMs -= LONGEST_TIMER_MS) {
      await sleepFor(LONGEST_TIMER_MS, undefined, options);
    }
    await sleepFor(leftMs, undefined, options);
  }
}
