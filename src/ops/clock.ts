/** The clocks of this machine. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../time/clock.ts';

/** A timer holds 31 bits; one that is asked for more fires at once. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

/**
 * Wall time in ms with microseconds behind the point. Date has none; the clock that never jumps
 * has, and each look at both narrows down how far they are apart. They go apart for good when the
 * clock is set, and slowly by themselves: then it is found out anew. Right to the millisecond,
 * unless the process is held up in its first look.
 */
export function preciseWallClock(
  dateMs: () => number = Date.now,
  monotonicMs: () => number = () => performance.now(),
): () => number {
  let least = -Infinity;
  let most = Infinity;
  return () => {
    const before = monotonicMs();
    const date = dateMs();
    const after = monotonicMs();
    const [from, to] = [date - after, date + 1 - before];
    const isSet = from > most || to < least;
    least = isSet ? from : Math.max(least, from);
    most = isSet ? to : Math.min(most, to);
    return after + (least + most) / 2;
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

  after(ms: number, action: () => void): () => void {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number) => {
      const isLast = leftMs <= LONGEST_TIMER_MS;
      const next = isLast ? action : () => wait(leftMs - LONGEST_TIMER_MS);
      timer = setTimeout(next, isLast ? leftMs : LONGEST_TIMER_MS);
    };
    wait(ms);
    return () => clearTimeout(timer);
  }
}
