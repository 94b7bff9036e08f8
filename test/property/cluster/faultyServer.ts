/**
 * An API server in memory that has Services, tells of their changes, forgets old ones, and at any
 * request may do what servers, front ends and networks do to a client.
 */
import { ApiError, errorFromStatus } from '../../../src/cluster/apiError.ts';
import type { ApiTransport, Query, RequestOptions } from '../../../src/cluster/transport.ts';
import type { FakeClock } from '../../support/program/fakeClock.ts';

/** What a server with initial events does to a reading, and to nothing else. */
const ALL_INITIAL = [
  '422',
  'silence',
  'a break before the end of the initial events',
  'an end before that of the initial events',
  'an error before the end of the initial events',
] as const;

export const FAULTS = [
  '401',
  '403',
  '410',
  '429',
  '500',
  'reset',
  'garbage',
  'hang',
  'half a line',
  'ended at once',
  'an error in the stream',
  ...ALL_INITIAL,
] as const;
export type Fault = (typeof FAULTS)[number];

interface Event {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: object;
}

/** What the client itself makes of a server that says nothing. */
const HANG_MS = 65_000;

const INITIAL_FAULTS: ReadonlySet<Fault> = new Set(ALL_INITIAL);

export class FaultyServer implements ApiTransport {
  /** port by name */
  readonly services = new Map<string, number>();
  /** of the next requests, one each */
  readonly faults: Fault[] = [];
  requests = 0;
  refreshes = 0;
  /** lists and watches that were answered with everything, by how they asked for it */
  readonly readings: string[] = [];
  readonly #clock: FakeClock;
  #version = 1;
  /** how far the cache of the server that answers is behind, and of which services */
  #stale: ReadonlyMap<string, number> | undefined;
  #staleVersion = 0;
  #forgotten = 0;
  #events: Event[] = [];
  readonly #wakers = new Set<() => void>();

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  put(name: string, port: number): void {
    const type = this.services.has(name) ? 'MODIFIED' : 'ADDED';
    this.services.set(name, port);
    this.#tell(type, name, port);
  }

  remove(name: string): void {
    const port = this.services.get(name);
    if (port === undefined) return;
    this.services.delete(name);
    this.#tell('DELETED', name, port);
  }

  /** etcd compacts: whoever is behind must list again. */
  compact(): void {
    this.#forgotten = this.#version;
    this.#events = [];
  }

  /** From now on caches hold this state, until the end of time or the next call. */
  lag(): void {
    this.#stale = new Map(this.services);
    this.#staleVersion = this.#version;
  }

  async getJson(path: string, query: Query, { signal }: RequestOptions = {}): Promise<unknown> {
    const fault = this.#next();
    if (fault !== undefined) await this.#fail(fault, path, signal);
    if (fault === 'garbage') return { kind: 'Status', message: 'what?' };
    if (fault !== undefined && isOfStreams(fault)) throw broken(path);
    const { services, version } = this.#asOf(query);
    const items = [...services].map(([name, port]) => rawOf(name, port, version));
    return { metadata: { resourceVersion: String(version) }, items };
  }

  async openStream(
    path: string,
    query: Query,
    { signal }: RequestOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const fault = this.#next();
    if (fault !== undefined) await this.#fail(fault, path, signal);
    if (query['sendInitialEvents'] === 'true') return this.#beginning(query, fault, path, signal);
    const version = Number(query['resourceVersion']);
    if (version < this.#forgotten) throw errorFromStatus(410, { reason: 'Expired' }, path);
    return this.#stream(version, fault, path, signal);
  }

  sendJson(): Promise<unknown> {
    return Promise.reject(new Error('nobody posts here'));
  }

  refreshCredentials(): void {
    this.refreshes += 1;
  }

  #next(): Fault | undefined {
    this.requests += 1;
    return this.faults.shift();
  }

  /** A cache may answer with what it has, as long as that is new enough for who asks. */
  #asOf(query: Query): { services: ReadonlyMap<string, number>; version: number } {
    const { resourceVersion = '' } = query;
    const floor = resourceVersion === '' ? Infinity : Number(resourceVersion);
    if (floor !== Infinity && floor > this.#version) {
      const causes = [{ reason: 'ResourceVersionTooLarge' }];
      throw errorFromStatus(504, { reason: 'Timeout', details: { causes } }, 'test');
    }
    this.readings.push(resourceVersion);
    if (this.#stale !== undefined && floor <= this.#staleVersion) {
      return { services: this.#stale, version: this.#staleVersion };
    }
    return { services: this.services, version: this.#version };
  }

  async *#beginning(
    query: Query,
    fault: Fault | undefined,
    path: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    if (fault === 'silence') await this.#hangUp(path, signal);
    if (fault === 'ended at once') return;
    if (fault === 'garbage') yield Buffer.from('<html>\n');
    if (fault === 'an error in the stream') yield SERVER_ERROR;
    const { services, version } = this.#asOf(query);
    const all = [...services].map(([name, port]) => rawOf(name, port, version));
    const lines = all.map((object) =>
      Buffer.from(`${JSON.stringify({ type: 'ADDED', object })}\n`),
    );
    const isCut = fault !== undefined && isOfStreams(fault);
    for (const line of isCut ? lines.slice(0, -1) : lines) yield line;
    if (fault === 'an end before that of the initial events') return;
    if (fault === 'an error before the end of the initial events') yield SERVER_ERROR;
    if (isCut) throw broken(path);
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const object = { metadata: { resourceVersion: String(version), annotations } };
    yield Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
    yield* this.#stream(version, undefined, path, signal);
  }

  async #hangUp(path: string, signal: AbortSignal | undefined): Promise<never> {
    await this.#clock.sleep(Infinity, signal).catch(() => undefined);
    throw broken(path);
  }

  #tell(type: Event['type'], name: string, port: number): void {
    this.#version += 1;
    const object = rawOf(name, port, this.#version);
    this.#events.push({ type, version: this.#version, object });
    for (const wake of this.#wakers) wake();
  }

  /** Those that end a request before it has an answer. */
  async #fail(fault: Fault, path: string, signal: AbortSignal | undefined): Promise<void> {
    if (fault === 'reset') throw broken(path);
    if (fault === 'hang') {
      await this.#clock.sleep(HANG_MS, signal).catch(() => undefined);
      throw new ApiError({ status: 0, reason: 'Timeout', message: 'no answer', url: path });
    }
    const status = Number(fault);
    if (Number.isNaN(status)) return;
    throw errorFromStatus(status, { reason: 'Told' }, path, status === 429 ? 2 : undefined);
  }

  async *#stream(
    from: number,
    fault: Fault | undefined,
    path: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    if (fault === 'ended at once') return;
    if (fault === 'garbage') yield Buffer.from('<html>\n');
    if (fault !== undefined && (fault === 'an error in the stream' || INITIAL_FAULTS.has(fault)))
      yield SERVER_ERROR;
    let version = from;
    for (;;) {
      if (signal?.aborted === true) throw broken(path);
      if (version < this.#forgotten) {
        yield Buffer.from('{"type":"ERROR","object":{"code":410,"reason":"Expired"}}\n');
        return;
      }
      const event = this.#events.find((each) => each.version > version);
      if (event === undefined) {
        await this.#wait(signal);
        continue;
      }
      const line = Buffer.from(`${JSON.stringify(event)}\n`);
      yield line.subarray(0, line.length >> 1);
      if (fault === 'half a line') throw broken(path);
      yield line.subarray(line.length >> 1);
      version = event.version;
    }
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakers.add(resolve);
    signal?.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    this.#wakers.delete(resolve);
  }
}

const SERVER_ERROR = Buffer.from(
  '{"type":"ERROR","object":{"code":500,"reason":"InternalError"}}\n',
);

const STREAM_FAULTS: ReadonlySet<Fault> = new Set<Fault>([
  'half a line',
  'ended at once',
  'an error in the stream',
]);

/** A list that meets one breaks off. */
function isOfStreams(fault: Fault): boolean {
  return STREAM_FAULTS.has(fault) || INITIAL_FAULTS.has(fault);
}

function broken(url: string): ApiError {
  return new ApiError({ status: 0, reason: 'ECONNRESET', message: 'broken off', url });
}

function rawOf(name: string, port: number, version: number): object {
  return {
    metadata: { namespace: 'default', name, resourceVersion: String(version), uid: `uid-${name}` },
    spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ port }] },
  };
}
