/** One change at a time, idling, and a start of what is there already. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figures, latency } from './figures.ts';
import { crowdService, crowdSlice, lateService } from './objects.ts';
import type { Session } from './session.ts';

export interface Effort {
  /** at most; fewer where a proxy takes long for each */
  readonly changes: number;
  /** of all endpoints of a Service */
  readonly replacements: number;
  readonly idleSec: number;
  /** of changes at a steady rate */
  readonly rateSec: number;
}

type Some = Promise<Partial<Figures>>;

const PAUSE_MS = 200;
/** For all changes; a proxy that takes seconds for each has shown so after this. */
const LIMIT_MS = 120_000;
const FEWEST = 10;

/**
 * @param count at most
 * @param take the time of the n-th
 * @returns times in ms; fewer where they are long
 */
export async function series(
  count: number,
  take: (n: number) => Promise<number>,
  pauseMs = PAUSE_MS,
): Promise<readonly number[]> {
  const times: number[] = [];
  const until = performance.now() + LIMIT_MS;
  while (times.length < count && (times.length < FEWEST || performance.now() < until)) {
    times.push(await take(times.length));
    await sleep(pauseMs);
  }
  return times;
}

/** Each moves the last endpoint of the next Service. */
export async function changes(session: Session, effort: Effort): Some {
  const { services } = session.size;
  const before = await session.inLab('cpuSeconds');
  const times = await series(effort.changes, (n) => session.change(n % services));
  const seconds = (await session.inLab('cpuSeconds')) - before;
  return { change: latency(times), changeCpuMs: (1000 * seconds) / times.length };
}

export async function creations(session: Session, effort: Effort): Some {
  const times = await series(effort.changes, async (n) => {
    const [service, slice] = lateService(n);
    await session.api.objects.create(slice);
    const ms = await session.inLab('create', session.apiFromLab, service);
    session.servers++;
    return ms;
  });
  return { create: latency(times) };
}

export async function replacements(session: Session, effort: Effort): Some {
  const { api, apiFromLab } = session;
  await api.objects.createAll([crowdService, crowdSlice(0)]);
  session.servers++;
  const server = await session.serverOf('crowd');
  const replace = (generation: number) => session.inLab('replace', apiFromLab, generation, server);
  // Until the first ones are there.
  await replace(0);
  return { replace: latency(await series(effort.replacements, (n) => replace(n + 1))) };
}

export async function idling(session: Session, { idleSec }: Effort): Some {
  const before = await session.inLab('cpuSeconds');
  await sleep(idleSec * 1000);
  const seconds = (await session.inLab('cpuSeconds')) - before;
  const { residentMiB } = await session.inLab('memory');
  return { idlePercent: (100 * seconds) / idleSec, residentMiB };
}

export async function restart(session: Session): Some {
  await session.inLab('stop');
  const { firstSyncMs } = await session.start();
  const writes = await session.inLab('metric', 'kubeipvs_kernel_writes_total');
  return { restartMs: firstSyncMs, ...(Number.isFinite(writes) ? { restartWrites: writes } : {}) };
}
