/**
 * An API server of few words: lists and watches are answered by what the test wrote down, and
 * watches are driven by hand.
 */
import { ApiError } from '../../../src/cluster/apiError.ts';
import type { ApiTransport, Query, RequestOptions } from '../../../src/cluster/transport.ts';

export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Query;
  readonly body?: unknown;
}

/** a body, an Error to throw, or a function that gives either */
export type Answer = object | ((query: Query) => unknown);

/** One open watch: what it sends and how it ends are the test's to say. */
export class ScriptedStream implements AsyncIterable<Uint8Array> {
  #queue: (Uint8Array | Error | undefined)[] = [];
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal | undefined) {
    signal?.addEventListener('abort', () => this.break('ABORT_ERR'));
  }

  send(...events: readonly object[]): void {
    this.sendText(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  }

  sendText(text: string): void {
    this.sendBytes(Buffer.from(text));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#push(bytes);
  }

  /** an orderly end */
  end(): void {
    this.#push(undefined);
  }

  break(reason: string): void {
    this.#push(new ApiError({ status: 0, reason, message: `broken: ${reason}`, url: 'test' }));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (this.#queue.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (next instanceof Error) throw next;
      yield next;
    }
  }

  #push(item: Uint8Array | Error | undefined): void {
    this.#queue.push(item);
    this.#wake?.();
  }
}

export class ScriptedTransport implements ApiTransport {
  readonly requests: SentRequest[] = [];
  readonly streams: ScriptedStream[] = [];
  /** what would call off each POST and PATCH */
  readonly signals: (AbortSignal | undefined)[] = [];
  refreshes = 0;
  /** it knows `sendInitialEvents`; else it refuses it, which is not among the requests */
  hasInitialEvents = false;
  /** how often it refused initial events */
  refusals = 0;
  #lists: Answer[] = [];
  #watchErrors: Error[] = [];
  #sends: Answer[] = [];

  /** answers of lists, in order; the last one is repeated; an Error is thrown */
  answerLists(...answers: readonly Answer[]): void {
    this.#lists = [...answers];
  }

  /** the next watches fail with these; after that they open */
  failWatches(...errors: readonly Error[]): void {
    this.#watchErrors = [...errors];
  }

  answerSends(...answers: readonly Answer[]): void {
    this.#sends = [...answers];
  }

  /** the watch that was opened last */
  get stream(): ScriptedStream {
    const last = this.streams.at(-1);
    if (last === undefined) throw new Error('no watch was opened');
    return last;
  }

  getJson(path: string, query: Query, _options?: RequestOptions): Promise<unknown> {
    this.requests.push({ method: 'LIST', path, query });
    return answer(this.#lists, query);
  }

  openStream(
    path: string,
    query: Query,
    options: RequestOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const isInitial = query['sendInitialEvents'] === 'true';
    if (isInitial && !this.hasInitialEvents) {
      this.refusals += 1;
      return Promise.reject(apiError(422, 'Invalid', NO_INITIAL_EVENTS));
    }
    this.requests.push({ method: isInitial ? 'READ' : 'WATCH', path, query });
    const error = this.#watchErrors.shift();
    if (error !== undefined) return Promise.reject(error);
    const stream = new ScriptedStream(options.signal);
    this.streams.push(stream);
    return Promise.resolve(stream);
  }

  sendJson(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    { signal }: RequestOptions = {},
  ): Promise<unknown> {
    this.requests.push({ method, path, query: {}, body });
    this.signals.push(signal);
    return answer(this.#sends, {});
  }

  refreshCredentials(): void {
    this.refreshes++;
  }
}

/** In the words of kube-apiserver 1.30. */
export const NO_INITIAL_EVENTS =
  'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';

async function answer(answers: Answer[], query: Query): Promise<unknown> {
  const next = answers.length > 1 ? answers.shift() : answers[0];
  const value: unknown =
    typeof next === 'function' ? (next as (query: Query) => unknown)(query) : next;
  if (value instanceof Error) throw value;
  return value;
}

export function apiError(
  status: number,
  reason: string,
  message = `${status} ${reason}`,
): ApiError {
  return new ApiError({ status, reason, message, url: 'test' });
}

export function listOf(
  resourceVersion: string,
  items: readonly object[],
  continueToken = '',
): object {
  return { metadata: { resourceVersion, continue: continueToken }, items };
}

export function rawService(name: string, resourceVersion: string, port = 80): object {
  return {
    metadata: { namespace: 'default', name, resourceVersion, uid: `uid-${name}` },
    spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ port }] },
  };
}
