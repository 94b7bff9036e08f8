/**
 * V8's own instruments on this process, by its inspector: no port is opened, and between two
 * recordings nothing is attached. One at a time, or each would measure the other.
 */
import type { HeapProfiler, Profiler, Session } from 'node:inspector/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapSnapshot, getHeapStatistics } from 'node:v8';

/** What V8 needs to walk a heap, measured with heaps of 4, 24 and 83 MiB: 12 times as much. */
const SNAPSHOT_FACTOR = 12;

export interface RecorderOptions {
  /** of the heap, and what the system would still give; read each time */
  readonly memory?: () => { readonly usedBytes: number; readonly leftBytes: number };
}

export class Recorder {
  readonly #memory: NonNullable<RecorderOptions['memory']>;
  #isBusy = false;

  constructor({ memory = ownMemory }: RecorderOptions = {}) {
    this.#memory = memory;
  }

  /** Why nothing can be recorded now; undefined where it can. */
  refusal(what: 'profile' | 'heap'): string | undefined {
    if (this.#isBusy) return 'another profile or snapshot is being taken';
    return what === 'heap' ? snapshotRefusal(this.#memory()) : undefined;
  }

  /** @param signal ends it early */
  cpu(intervalMicros: number, seconds: number, signal: AbortSignal): Promise<Profiler.Profile> {
    return this.#alone(async (session) => {
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: intervalMicros });
      await session.post('Profiler.start');
      await passed(seconds, signal);
      return (await session.post('Profiler.stop')).profile;
    });
  }

  /** What is allocated meanwhile and lives at the end. */
  allocations(
    intervalBytes: number,
    seconds: number,
    signal: AbortSignal,
  ): Promise<HeapProfiler.SamplingHeapProfile> {
    return this.#alone(async (session) => {
      await session.post('HeapProfiler.startSampling', { samplingInterval: intervalBytes });
      await passed(seconds, signal);
      return (await session.post('HeapProfiler.stopSampling')).profile;
    });
  }

  /** The whole heap, piece by piece. Everything stands still while V8 walks it. */
  async *heap(): AsyncGenerator<Uint8Array> {
    this.#begin('heap');
    try {
      yield* getHeapSnapshot() as AsyncIterable<Uint8Array>;
    } finally {
      this.#isBusy = false;
    }
  }

  async #alone<Result>(record: (session: Session) => Promise<Result>): Promise<Result> {
    this.#begin('profile');
    // A process that is never looked into does without this module.
    const inspector = await import('node:inspector/promises');
    const session = new inspector.Session();
    try {
      session.connect();
      return await record(session);
    } finally {
      // Ends what it has begun, too.
      session.disconnect();
      this.#isBusy = false;
    }
  }

  #begin(what: 'profile' | 'heap'): void {
    const refusal = this.refusal(what);
    if (refusal !== undefined) throw new Error(refusal);
    this.#isBusy = true;
  }
}

function ownMemory() {
  return { usedBytes: getHeapStatistics().used_heap_size, leftBytes: process.availableMemory() };
}

function snapshotRefusal({
  usedBytes,
  leftBytes,
}: ReturnType<typeof ownMemory>): string | undefined {
  const neededBytes = SNAPSHOT_FACTOR * usedBytes;
  if (leftBytes >= neededBytes) return undefined;
  const [needed, left] = [neededBytes, leftBytes].map((bytes) => Math.floor(bytes / 2 ** 20));
  return `a snapshot needs some ${needed} MiB, and ${left} MiB are left`;
}

/** Over early when `signal` fires, which is no failure. */
async function passed(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
}
