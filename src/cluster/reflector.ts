/**
 * Keeps one kind of object in step with the API server, for ever: everything that exists, then the
 * changes; on any failure back-off and watch again from the last version seen; everything anew only
 * where the server no longer knows that version. Everything comes as the beginning of the watch
 * itself where the server has that (KEP-3157), else by a list. client-node's ListWatch is not used:
 * it stops on any error but 410 and stores whole objects.
 *
 * What an object means is for others; what differs from before is decided in intake.ts.
 */
import { type AnyKind, pathOf, type Selectors } from '../model/kinds.ts';
import { JitteredBackoff } from '../time/backoff.ts';
import type { Clock } from '../time/clock.ts';
import { ApiError, explainFailure, isExpired, isFromTheFuture } from './apiError.ts';
import { MOST_RECENT, NOTHING_KNOWN, watchNotOlderThan } from './floor.ts';
import { InitialEvents, isRefusal, NOT_BEGUN, WITH_INITIAL_EVENTS } from './initialEvents.ts';
import { LineSplitter } from './lineSplitter.ts';
import { Intake, type IntakeListener } from './intake.ts';
import { ListReading } from './listReading.ts';
import { Selection } from './selection.ts';
import type { ApiTransport, Query } from './transport.ts';
import { type ListPage, parseListPage, parseWatchEvent } from './watchEvent.ts';
import type { WatchObserver } from './watchObserver.ts';

export interface ReflectorListener extends IntakeListener {
  /** a reading is complete: everything that exists has been told, what vanished was deleted */
  onListed(): void;
  onState(state: ReflectorState): void;
}

export type ReflectorState =
  | { readonly phase: 'watching' }
  | {
      readonly phase: 'failing';
      /** one line: what failed, and when it is tried again */
      readonly detail: string;
      /** equal for failures that have one and the same reason */
      readonly cause: string;
      /** ms since the epoch */
      readonly sinceMs: number;
    };

export interface ReflectorOptions {
  readonly kind: AnyKind;
  readonly selectors: Selectors;
  readonly transport: ApiTransport;
  readonly timing: Clock;
  readonly listener: ReflectorListener;
  readonly random: () => number;
  readonly observer?: WatchObserver;
  /** one line of what only someone who looks closely wants to know */
  readonly log?: (message: string) => void;
  /** objects a page; default 500 */
  readonly pageSize?: number;
}

/**
 * A watch lasts one to two times this long, as in client-go, so that nodes do not reconnect in
 * step.
 */
const MIN_WATCH_SEC = 300;
/** How much longer than agreed a server may take to end a watch before we do. */
const DEADLINE_GRACE_MS = 15_000;
/**
 * A watch that ends sooner than this without an error would be asked for again and again without a
 * pause.
 */
const SHORTEST_WATCH_MS = 1_000;
/**
 * A server that knows no initial events may take the watch and say nothing; one that has them sends
 * the first at once.
 */
const INITIAL_SILENCE_MS = 30_000;
/** After a connection that lasted so long, a failure is the first of a new row. */
const HEALTHY_AFTER_MS = 10_000;
const BACKOFF = { firstMs: 250, maxMs: 15_000 };
/**
 * A kind that only a feature needs may be refused for as long as the cluster lives: every node asks
 * for it seldom.
 */
const REFUSED_PAUSE_MS = 60_000;
/**
 * What a server may ask for by Retry-After; a front end that says an hour or a year would make this
 * node deaf for as long.
 */
const RETRY_AFTER_MAX_MS = 60_000;

export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #path: string;
  readonly #intake: Intake;
  readonly #selection: Selection;
  readonly #backoff: JitteredBackoff;
  #isStopped = false;
  /** what is under way: a request or a pause */
  #current: AbortController | undefined;
  #run: Promise<void> | undefined;
  /** where to watch from; undefined asks for everything */
  #resourceVersion: string | undefined;
  /** what the last reading of everything gave */
  #readVersion: string | undefined;
  /** what a reading of everything must not be older than */
  #floor = NOTHING_KNOWN;
  /** the server is asked for everything as the beginning of a watch */
  #streamsInitial = true;
  /** watches that broke before everything had been sent, in a row */
  #initialBreaks = 0;
  #verb: 'list' | 'watch' = 'list';
  #watchingSinceMs: number | undefined;
  #failingSinceMs: number | undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#path = pathOf(options.kind);
    this.#selection = new Selection(options.selectors);
    this.#intake = new Intake(options.kind, options.listener);
    this.#backoff = new JitteredBackoff({ ...BACKOFF, random: options.random });
  }

  start(): void {
    this.#run ??= this.#loop();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#current?.abort();
    await this.#run;
  }

  async #loop(): Promise<void> {
    while (!this.#isStopped) {
      const failure = await this.#attempt();
      if (failure !== undefined && !this.#isStopped) await this.#pause(failure);
    }
  }

  /** One reading (if needed) and one watch. @returns why to pause before the next, if at all */
  async #attempt(): Promise<ApiError | undefined> {
    const current = new AbortController();
    this.#current = current;
    this.#watchingSinceMs = undefined;
    const initial = this.#beginning();
    try {
      if (this.#resourceVersion === undefined && initial === undefined) {
        await this.#list(current.signal);
      }
      if (this.#isStopped) return undefined;
      await this.#watch(current, initial);
      if (initial?.isComplete === false) {
        throw this.#error(NOT_BEGUN, 'the watch ended before their end');
      }
      return this.#endedTooSoon();
    } catch (error) {
      // Anything else is a bug of ours, and not cured by trying again.
      if (!(error instanceof ApiError)) throw error;
      const overdue: unknown = current.signal.reason;
      const failure = overdue instanceof ApiError ? overdue : error;
      if (this.#isStopped || this.#resourceVersion !== undefined) return failure;
      return this.#unread(failure, initial);
    } finally {
      current.abort();
    }
  }

  #beginning(): InitialEvents | undefined {
    if (this.#resourceVersion !== undefined) return undefined;
    this.#verb = 'list';
    return this.#streamsInitial ? new InitialEvents(this.#intake) : undefined;
  }

  /**
   * Everything was asked for and did not come whole.
   *
   * @returns why to pause; undefined where another way is open, which is taken at once
   */
  #unread(failure: ApiError, initial: InitialEvents | undefined): ApiError | undefined {
    if (isExpired(failure) && this.#floor !== MOST_RECENT) {
      this.#floor = MOST_RECENT;
      return undefined;
    }
    if (initial === undefined) return failure;
    if (initial.hasBegun && this.#floor === NOTHING_KNOWN) this.#floor = MOST_RECENT;
    if (isRefusal(failure, initial)) return this.#readByLists(failure.message);
    if (initial.hasBegun && ++this.#initialBreaks > 1) return this.#readByLists(failure.message);
    return failure;
  }

  /** From now on: what a server did not have it hardly gets while we run. */
  #readByLists(reason: string): undefined {
    this.#streamsInitial = false;
    const { kind, log } = this.#options;
    log?.(`${kind.resource}: no initial events by a watch (${reason}): read by lists`);
    return undefined;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { pageSize = 500 } = this.#options;
    const reading = new ListReading({
      intake: this.#intake,
      pageSize,
      floor: this.#floor,
      page: (query, isContinuation) => this.#listPage(query, isContinuation, signal),
    });
    try {
      this.#complete(await reading.read());
    } finally {
      this.#floor = reading.floor;
    }
  }

  async #listPage(query: Query, isContinuation: boolean, signal: AbortSignal): Promise<ListPage> {
    const { transport } = this.#options;
    const body = await this.#selection.apply((selectors) =>
      transport.getJson(this.#path, { ...selectors, ...query }, { signal, isContinuation }),
    );
    if (signal.aborted) throw this.#error('Stopped', 'stopped');
    return parseListPage(body, this.#path);
  }

  /** Everything has been read, as of this version. */
  #complete(resourceVersion: string): void {
    const { kind, listener, timing, observer } = this.#options;
    this.#verb = 'watch';
    this.#resourceVersion = resourceVersion;
    this.#readVersion = resourceVersion;
    this.#initialBreaks = 0;
    observer?.listed(kind.resource, timing.wallMs());
    listener.onListed();
  }

  async #watch(current: AbortController, initial: InitialEvents | undefined): Promise<void> {
    const { transport, timing, random } = this.#options;
    const timeoutSec = MIN_WATCH_SEC + Math.floor(random() * MIN_WATCH_SEC);
    const from: Query =
      initial === undefined
        ? { resourceVersion: this.#resourceVersion ?? '' }
        : { ...WITH_INITIAL_EVENTS, ...watchNotOlderThan(this.#floor) };
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      ...from,
      timeoutSeconds: String(timeoutSec),
    };
    const deadline = timing
      .sleep(timeoutSec * 1000 + DEADLINE_GRACE_MS, current.signal)
      .then(() =>
        current.abort(
          this.#error('Timeout', `not ended after ${timeoutSec} s as agreed: taken for dead`),
        ),
      )
      .catch(() => undefined);
    try {
      const options = { signal: current.signal, isPackable: initial !== undefined };
      const stream = await this.#selection.apply((selectors) =>
        transport.openStream(this.#path, { ...selectors, ...query }, options),
      );
      if (initial === undefined) this.#becomeWatching();
      await this.#follow(stream, current, initial);
    } finally {
      current.abort();
      await deadline;
    }
  }

  async #follow(
    stream: AsyncIterable<Uint8Array>,
    current: AbortController,
    initial: InitialEvents | undefined,
  ): Promise<void> {
    const splitter = new LineSplitter();
    const expectMore = () =>
      initial?.isComplete === false ? this.#expectInitial(current) : undefined;
    let wasHeard = expectMore();
    try {
      for await (const piece of stream) {
        if (current.signal.aborted) return;
        for (const line of this.#split(splitter, piece)) this.#take(line, initial);
        wasHeard?.();
        wasHeard = expectMore();
      }
      // A line cut off at the end is told again: the version did not move over it.
    } finally {
      wasHeard?.();
    }
  }

  /** @returns to be called when something came */
  #expectInitial(current: AbortController): () => void {
    return this.#options.timing.after(INITIAL_SILENCE_MS, () =>
      current.abort(this.#error(NOT_BEGUN, `nothing came for ${INITIAL_SILENCE_MS / 1000} s`)),
    );
  }

  #split(splitter: LineSplitter, piece: Uint8Array): string[] {
    try {
      return splitter.push(piece);
    } catch (error) {
      throw this.#error('Protocol', String(error));
    }
  }

  #take(line: string, initial: InitialEvents | undefined): void {
    const event = parseWatchEvent(line, this.#path);
    if (event === undefined) return;
    if (initial?.isComplete === false) {
      if (event.type === 'BOOKMARK' && !event.endsInitialEvents) {
        throw this.#error(NOT_BEGUN, 'a bookmark came that ends nothing');
      }
      initial.take(event);
      if (!initial.isComplete) return;
      this.#complete(event.resourceVersion);
      this.#becomeWatching();
      return;
    }
    const { kind, timing, observer } = this.#options;
    observer?.heard(kind.resource, event.type, timing.wallMs());
    if (event.type === 'DELETED') this.#intake.remove(event.object);
    else if (event.type !== 'BOOKMARK') this.#intake.put(event.object);
    this.#resourceVersion = event.resourceVersion;
  }

  #becomeWatching(): void {
    this.#watchingSinceMs = this.#options.timing.monotonicMs();
    this.#failingSinceMs = undefined;
    this.#options.listener.onState({ phase: 'watching' });
  }

  #watchedMs(): number {
    if (this.#watchingSinceMs === undefined) return 0;
    return this.#options.timing.monotonicMs() - this.#watchingSinceMs;
  }

  #endedTooSoon(): ApiError | undefined {
    if (this.#watchedMs() >= SHORTEST_WATCH_MS) return undefined;
    return this.#error('Ended', 'the server ended it at once');
  }

  async #pause(failure: ApiError): Promise<void> {
    const { kind, transport, timing, listener, random } = this.#options;
    if (isExpired(failure)) this.#readAnew(failure);
    if (failure.status === 401) transport.refreshCredentials();
    if (this.#watchedMs() >= HEALTHY_AFTER_MS) this.#backoff.reset();
    const wishedMs = spread(failure.retryAfterSec ?? 0, random);
    const isRefused = !kind.isRequired && (failure.status === 403 || failure.status === 404);
    const pauseMs = Math.max(this.#backoff.next(), wishedMs, isRefused ? REFUSED_PAUSE_MS : 0);
    this.#failingSinceMs ??= timing.wallMs();
    const { resource, group, isRequired } = kind;
    const attempt = { verb: this.#verb, resource, group, isOptional: !isRequired };
    const detail = `${explainFailure(failure, attempt)}; retry in ${formatSeconds(pauseMs)}`;
    const cause = `${failure.status} ${failure.reason}`;
    listener.onState({ phase: 'failing', detail, cause, sinceMs: this.#failingSinceMs });
    const current = new AbortController();
    this.#current = current;
    // Only stop() aborts a pause.
    await timing.sleep(pauseMs, current.signal).catch(() => undefined);
  }

  /** Not older than what we know; but what could not even be watched from is no help again. */
  #readAnew(failure: ApiError): void {
    if (this.#resourceVersion === undefined) return;
    const isFutile = this.#resourceVersion === this.#readVersion || isFromTheFuture(failure);
    this.#floor = isFutile ? MOST_RECENT : this.#resourceVersion;
    this.#resourceVersion = undefined;
  }

  #error(reason: string, message: string): ApiError {
    return new ApiError({ status: 0, reason, message, url: this.#path });
  }
}

/**
 * All who were refused in one moment were told the same number of seconds: they come back over half
 * as long again.
 */
function spread(retryAfterSec: number, random: () => number): number {
  return Math.min(retryAfterSec * 1000, RETRY_AFTER_MAX_MS) * (1 + random() / 2);
}

function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
