/**
 * The announcer's thread seen from the main thread: begun, begun anew when it ends by itself, asked
 * and ended. What it was told before is told again by whoever knows it.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Address } from '../../net/address.ts';
import { backoffMs } from '../../time/backoff.ts';
import type { Clock } from '../../time/clock.ts';
import type { News, Order, ThreadReport, ThreadStart, UnaskedNews } from '../announcer/messages.ts';

export interface HandleParts {
  readonly clock: Pick<Clock, 'sleep' | 'after'>;
  readonly onNews: (news: UnaskedNews) => void;
  /** it has begun, and knows nothing */
  readonly onBegin: () => void;
  /** it has ended by itself, and is begun again later */
  readonly onEnd: (error: Error) => void;
  /** of the program, which begins with the announcer in a thread (cli/main.ts) */
  readonly program?: URL;
}

const RETRY = { firstMs: 1_000, maxMs: 60_000 };
const ASK_LIMIT_MS = 2_000;
/** Leaving takes half a second; a thread that hangs must not hold up the process. */
const LEAVE_LIMIT_MS = 700;

interface Waiting {
  readonly resolve: (news: News) => void;
  readonly reject: (error: Error) => void;
}

type Answer = Extract<News, { id: number }>;

export class AnnouncerHandle {
  readonly #parts: HandleParts;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #isLeaving = false;
  #lastId = 0;

  constructor(parts: HandleParts) {
    this.#parts = parts;
  }

  /** Keeps a thread going until {@link AnnouncerHandle.leave}, or the signal fires between two. */
  async run(start: ThreadStart, signal: AbortSignal): Promise<void> {
    const { clock, onEnd } = this.#parts;
    for (let failures = 0; !this.#isLeaving && !signal.aborted; failures++) {
      const error = await this.#once(start);
      if (this.#isLeaving) return;
      onEnd(error);
      await clock.sleep(backoffMs(failures, RETRY), signal).catch(() => undefined);
    }
  }

  tell(order: Order): void {
    this.#worker?.postMessage(order);
  }

  /** @throws Error while there is no thread, or when it does not answer */
  async report(): Promise<ThreadReport> {
    const answer = await this.#ask((id) => ({ order: 'report', id }));
    if (answer.news !== 'report') throw new Error(`the announcer's thread says ${answer.news}`);
    return answer.report;
  }

  /**
   * @param addresses absent: all
   * @returns those that no other node may announce, which stay
   * @throws Error as of {@link AnnouncerHandle.report}
   */
  async release(addresses: readonly Address[] | undefined): Promise<readonly Address[]> {
    const wanted = addresses === undefined ? {} : { addresses };
    const answer = await this.#ask((id) => ({ order: 'release', id, ...wanted }));
    if (answer.news !== 'released') throw new Error(`the announcer's thread says ${answer.news}`);
    return answer.stay;
  }

  /** The others are told first. Resolves when it has ended. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = once(worker, 'exit');
    this.tell({ order: 'leave' });
    const cancel = this.#parts.clock.after(LEAVE_LIMIT_MS, () => void worker.terminate());
    await ended;
    cancel();
  }

  /** @returns why it ended */
  async #once(start: ThreadStart): Promise<Error> {
    const { program = thisProgram(), onBegin, onNews } = this.#parts;
    let error = new Error("the announcer's thread has ended");
    const worker = new Worker(program, { workerData: start, name: 'announcer' });
    worker.on('error', (thrown) => {
      // What comes from another thread is of no class of ours.
      error = isError(thrown) ? thrown : new Error(String(thrown));
    });
    worker.on('message', (news: News) => {
      if ('id' in news) this.#answered(news);
      else onNews(news);
    });
    this.#worker = worker;
    onBegin();
    await new Promise((resolve) => worker.once('exit', resolve));
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    return error;
  }

  #answered(answer: Answer): void {
    this.#waiting.get(answer.id)?.resolve(answer);
    this.#waiting.delete(answer.id);
  }

  async #ask(order: (id: number) => Order): Promise<News> {
    if (this.#worker === undefined) throw new Error('the announcer does not run at the moment');
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<News>();
    this.#waiting.set(id, { resolve, reject });
    const late = () => reject(new Error("the announcer's thread does not answer"));
    const cancel = this.#parts.clock.after(ASK_LIMIT_MS, late);
    this.tell(order(id));
    try {
      return await promise;
    } finally {
      cancel();
      this.#waiting.delete(id);
    }
  }
}

/** Bundled all is one file; of sources this is one below cli/main.ts. */
function thisProgram(): URL {
  const own = import.meta.url;
  return own.endsWith('.ts') ? new URL('../../cli/main.ts', own) : new URL(own);
}

function isError(thrown: unknown): thrown is Error {
  return typeof thrown === 'object' && thrown !== null && 'message' in thrown;
}
