/**
 * Brings decisions into the statuses: a few patches at a time, each for the version of the object
 * that was decided on. What changed meanwhile is read and decided anew; what fails is tried again
 * by itself.
 */
import { ApiError } from '../../cluster/apiError.ts';
import type { ApiTransport } from '../../cluster/transport.ts';
import type { FeatureHost } from '../../feature/feature.ts';
import type { BalancedService } from '../../model/balancedService.ts';
import type { ObjectKey } from '../../model/resources.ts';
import { slimBalancedService } from '../../model/slimBalancedService.ts';
import type { Decision } from '../allocation/decision.ts';
import { PatchQueue } from '../allocator/patchQueue.ts';
import type { ServiceBook } from '../allocator/serviceBook.ts';
import { patchOf, type StatusPatch, statusAfter } from '../status.ts';
import { FailingServices } from './failingServices.ts';
import { readService } from './readServices.ts';

export interface StatusWriterParts extends Pick<FeatureHost, 'clock' | 'conditions' | 'run'> {
  readonly api: Pick<ApiTransport, 'getJson' | 'sendJson'>;
  readonly book: ServiceBook;
  /** by the clock, at this moment */
  readonly mayWrite: () => boolean;
  readonly onWritten: (decision: Decision) => void;
  /** an object is otherwise than it was when it was decided on */
  readonly onNews: () => void;
}

/** Little for the API server, and enough for some hundred a second. */
const AT_ONCE = 4;

export class StatusWriter {
  readonly #parts: StatusWriterParts;
  readonly #queue = new PatchQueue();
  readonly #failing: FailingServices;
  readonly #works = new Set<Promise<void>>();
  #term = new AbortController();
  #cancelRetry: () => void = () => undefined;

  constructor(parts: StatusWriterParts) {
    this.#parts = parts;
    this.#failing = new FailingServices(parts.conditions);
  }

  /** Takes the place of what was wanted before. @param due by Service, those that differ */
  want(due: ReadonlyMap<ObjectKey, Decision>): void {
    this.#queue.replace(due);
    this.#failing.retain((key) => this.#queue.has(key));
    this.#pump();
  }

  /** It is to be decided anew before anything is written. */
  withdraw(key: ObjectKey): void {
    this.#queue.withdraw(key);
  }

  /** Writes nothing more: what is on its way is given up. */
  stop(): void {
    this.#term.abort();
    this.#term = new AbortController();
    this.#cancelRetry();
    this.#queue.clear();
    this.#failing.retain(() => false);
  }

  /** Begins nothing more, and resolves when what is on its way has been answered. */
  async finish(): Promise<void> {
    this.#cancelRetry();
    this.#queue.clear();
    await Promise.allSettled(this.#works);
  }

  #pump(): void {
    const { clock, mayWrite, run } = this.#parts;
    this.#cancelRetry();
    while (this.#queue.inFlight < AT_ONCE && mayWrite()) {
      const next = this.#queue.next(clock.monotonicMs());
      if (next === undefined) break;
      const work = this.#write(next.key, next.decision, this.#term.signal).finally(() => {
        this.#works.delete(work);
        this.#pump();
      });
      this.#works.add(work);
      run(() => work);
    }
    this.#retryLater();
  }

  #retryLater(): void {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const dueMs = this.#queue.nextRetryMs(nowMs);
    if (dueMs === undefined) return;
    this.#cancelRetry = clock.after(dueMs - nowMs, () => this.#pump());
  }

  async #write(key: ObjectKey, decided: Decision, signal: AbortSignal): Promise<void> {
    const { book, clock } = this.#parts;
    const service = book.get(key);
    const now = wholeSeconds(clock.wallMs());
    const decision = service && { ...decided, service };
    const patch = decision && patchOf(decision, now);
    if (patch === undefined) return this.#isThere(key, decided);
    const { loadBalancer, conditions } = statusAfter(decision!, now);
    book.expect(key, { ...service!, ingress: loadBalancer.ingress ?? [], conditions });
    try {
      await this.#send(decision!, patch, signal);
    } catch (error) {
      const isKnown = error instanceof ApiError;
      if (!isKnown || signal.aborted) this.#queue.done(key);
      if (!isKnown) throw error;
      if (!signal.aborted) await this.#failed(decision!, error, signal);
    } finally {
      book.forgetExpected(key);
    }
  }

  /** It has become so without an answer that says it: the connection broke after it was written. */
  #isThere(key: ObjectKey, decided: Decision): void {
    this.#queue.done(key);
    this.#failing.works(key);
    if (this.#parts.book.get(key) !== undefined) this.#parts.onWritten(decided);
  }

  async #send(decision: Decision, patch: StatusPatch, signal: AbortSignal): Promise<void> {
    const { api, book, clock, onWritten, onNews } = this.#parts;
    const { namespace, name } = decision.service;
    const key = `${namespace}/${name}`;
    const path = `/api/v1/namespaces/${namespace}/services/${name}/status`;
    const options = { patch: 'strategic', isForCluster: true, signal } as const;
    const answer = await api.sendJson('PATCH', path, patch, options);
    const { object: written } = slimBalancedService(answer);
    const isOtherwise = written !== undefined && !book.isExpected(key, written);
    if (written !== undefined) book.told(key, written);
    if (isOtherwise) {
      const waitMs = this.#queue.failed(key, clock.monotonicMs());
      this.#failing.differs(key, waitMs);
      return onNews();
    }
    this.#queue.done(key);
    this.#failing.works(key);
    if (!signal.aborted) onWritten(decision);
  }

  async #failed({ service }: Decision, error: ApiError, signal: AbortSignal): Promise<void> {
    const { clock, api } = this.#parts;
    const key = `${service.namespace}/${service.name}`;
    if (error.status === 404) {
      this.#queue.done(key);
      this.#failing.works(key);
      return this.#noted(key, undefined);
    }
    if (error.status === 409) {
      try {
        this.#noted(key, await readService(api, service, signal));
        return this.#queue.conflicted(key, clock.monotonicMs());
      } catch (other) {
        if (!(other instanceof ApiError)) throw other;
      }
    }
    const waitMs = this.#queue.failed(key, clock.monotonicMs());
    if (!signal.aborted) this.#failing.failed(key, error, waitMs);
  }

  /** What was expected of it has not come about. */
  #noted(key: ObjectKey, service: BalancedService | undefined): void {
    const { book, onNews } = this.#parts;
    book.forgetExpected(key);
    book.told(key, service);
    onNews();
  }
}

function wholeSeconds(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
