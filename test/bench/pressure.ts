/**
 * Changes while there is much else to do: among hundreds of others, under a steady rate of others,
 * and while everything is compared. The others are written from outside the lab, whose one CPU is
 * the proxy's; the one that is timed is written in the lab as ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { bucketsOf, type Figures, latency, longestBetween, meanBetween } from './figures.ts';
import { type Effort, series } from './quantities.ts';
import type { Session } from './session.ts';

type Some = Promise<Partial<Figures>>;

/** The first half of the Services is timed, the other half is changed meanwhile. */
class Others {
  readonly timed: number;
  readonly #session: Session;
  #next: number;

  constructor(session: Session) {
    this.#session = session;
    this.timed = Math.floor(session.size.services / 2);
    if (this.timed === 0) throw new Error('changes among others take two Services at least');
    this.#next = this.timed;
  }

  async change(): Promise<void> {
    const index = this.#next;
    this.#next = index + 1 < this.#session.size.services ? index + 1 : this.timed;
    await this.#session.api.objects.overwrite(this.#session.moved(index));
  }
}

const BURST = 300;
const BURST_PAUSE_MS = 500;

/** One change is made when a burst has begun. */
export async function burst(session: Session, { changes }: Effort): Some {
  const others = new Others(session);
  const times = await series(
    changes,
    async (n) => {
      const rest = Promise.all(Array.from({ length: BURST }, () => others.change()));
      const ms = await session.change(n % others.timed);
      await rest;
      return ms;
    },
    BURST_PAUSE_MS,
  );
  return { burst: latency(times) };
}

const RATE_PER_SEC = 500;
/** The API server takes no more at once by keeping more waiting. */
const MOST_UNDER_WAY = 32;

/** @returns how many were written */
async function steadily(write: () => Promise<void>, signal: AbortSignal): Promise<number> {
  const begin = performance.now();
  let started = 0;
  const underWay = new Set<Promise<void>>();
  while (!signal.aborted) {
    const due = ((performance.now() - begin) * RATE_PER_SEC) / 1000;
    for (; started < due && underWay.size < MOST_UNDER_WAY; started++) {
      const each: Promise<void> = write().finally(() => underWay.delete(each));
      underWay.add(each);
    }
    await sleep(4);
  }
  await Promise.all(underWay);
  return started;
}

const MARK_PAUSE_MS = 150;

export async function rate(session: Session, { rateSec }: Effort): Some {
  const others = new Others(session);
  const over = new AbortController();
  const before = await session.inLab('cpuSeconds');
  const begin = performance.now();
  const written = steadily(() => others.change(), over.signal);
  const times: number[] = [];
  while (performance.now() - begin < rateSec * 1000) {
    times.push(await session.change(times.length % others.timed));
    await sleep(MARK_PAUSE_MS);
  }
  over.abort();
  const count = await written;
  const seconds = (performance.now() - begin) / 1000;
  const cpu = (await session.inLab('cpuSeconds')) - before;
  return {
    rate: latency(times),
    ratePerSec: count / seconds,
    rateCpuPercent: (100 * cpu) / seconds,
  };
}

/** So soon after each other that nearly always one is under way. */
const AUDIT_PERIOD = '50ms';
/** Changes are to meet all parts of an audit. */
const AUDIT_PAUSE_MS = 170;

export async function audits(session: Session, { changes }: Effort): Some {
  await session.inLab('stop');
  await session.start(`--ipvs-sync-period=${AUDIT_PERIOD}`, '--ipvs-min-sync-period=0s');
  // The first answer has more to do than those that follow.
  await session.inLab('metrics');
  const first = await session.inLab('metrics');
  const second = await session.inLab('metrics');
  const { services } = session.size;
  const times = await series(changes, (n) => session.change(n % services), AUDIT_PAUSE_MS);
  const third = await session.inLab('metrics');
  const turns = (text: string) => bucketsOf(text, 'kubeipvs_event_loop_turn_seconds');
  const meanMs = (name: string, labels = '') =>
    1000 * meanBetween([second, third], `kubeipvs_${name}_duration_seconds`, labels);
  return {
    audit: latency(times),
    auditMs: meanMs('reading') + meanMs('round', '{scope="all"}'),
    auditTurnMs: 1000 * longestBetween([turns(first), turns(second), turns(third)]),
  };
}
