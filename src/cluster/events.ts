/**
 * Events of the proxy, for `kubectl describe`: what is said, about which object. They are a
 * courtesy: posted one after the other in the background, the same words about the same object once
 * per interval, no more than a budget in all, and a failure to post is only logged.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../time/clock.ts';
import { ApiError, explainFailure } from './apiError.ts';
import { microTime } from './microTime.ts';
import type { ApiTransport } from './transport.ts';

export interface ServiceSubject {
  readonly kind: 'Service';
  readonly namespace: string;
  readonly name: string;
}

export type EventSubject = { readonly kind: 'Node'; readonly name: string } | ServiceSubject;

export interface ProxyEvent {
  readonly regarding: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, for machines: `Starting` */
  readonly reason: string;
  /** what was being done: `StartKubeProxy`, `Listen` */
  readonly action: string;
  readonly note: string;
  /** of the object, where it is known; else it is asked for */
  readonly uid?: string;
  /**
   * What of the object it is about, for what every node may come to say: told once an interval
   * however often its note changes, and under a name that only one node can give, so that the
   * cluster has the same words once
   */
  readonly about?: string;
}

export interface EventRecorderOptions {
  readonly transport: ApiTransport;
  readonly timing: Clock;
  readonly random: () => number;
  readonly nodeName: string;
  readonly log: (message: string) => void;
  /** of the object as it is now; undefined: not found */
  readonly uidOf?: (subject: ServiceSubject, signal: AbortSignal) => Promise<string | undefined>;
}

/** What our role has to allow for them. */
export const EVENT_RIGHTS = {
  group: 'events.k8s.io',
  resource: 'events',
  verbs: ['create', 'patch'],
} as const;

/** `reportingController`: in an audit, who spoke. */
const COMPONENT = 'kube-ipvs';
const PATH = '/apis/events.k8s.io/v1/namespaces';
/** The same words again within this time are counted and told later as a series. */
const REPEAT_MS = 6 * 60_000;
/** Budget of posts: this many at once, then one per interval. */
const BURST = 25;
const REFILL_MS = 10_000;
/** Distinct sentences remembered; the oldest is forgotten first. */
const MEMORY = 1_000;
const MAX_QUEUE = 100;
const MAX_NOTE = 1024;
/**
 * At the end of the process, for what is being posted: an API server that answers at all does so
 * sooner.
 */
const CLOSE_GRACE_MS = 1_000;

interface Sighting {
  note: string;
  postedAtMs: number;
  count: number;
  /** path of the posted object; undefined until the server has taken it */
  objectPath: string | undefined;
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #seen = new Map<string, Sighting>();
  #tail: Promise<void> = Promise.resolve();
  #queued = 0;
  #tokens = BURST;
  #countedAtMs: number;
  #isClosed = false;
  /** fires when nothing may be posted any more */
  readonly #ended = new AbortController();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#countedAtMs = options.timing.monotonicMs();
  }

  /** Returns at once; whether the event arrives is not known to the caller. */
  record(event: ProxyEvent): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.timing.monotonicMs();
    const { regarding, type, reason, note, about = note } = event;
    const key = JSON.stringify([regarding, type, reason, about]);
    const before = this.#seen.get(key);
    if (before !== undefined) before.count++;
    if (before !== undefined && nowMs - before.postedAtMs < REPEAT_MS) return;
    if (this.#queued >= MAX_QUEUE || !this.#takeToken(nowMs)) return;
    const fresh = { note, postedAtMs: nowMs, count: 1, objectPath: undefined };
    const sighting = before?.note === note ? before : fresh;
    sighting.postedAtMs = nowMs;
    this.#remember(key, sighting);
    this.#enqueue(event, sighting);
  }

  /**
   * Takes no more, and resolves within a second whatever the API server does: what is not posted by
   * then is dropped.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    const waiting = new AbortController();
    const grace = this.#options.timing.sleep(CLOSE_GRACE_MS, waiting.signal);
    await Promise.race([this.#tail, grace]);
    this.#ended.abort();
    waiting.abort();
    await grace.catch(() => undefined);
  }

  #enqueue(event: ProxyEvent, sighting: Sighting): void {
    this.#queued++;
    this.#tail = this.#tail.then(async () => {
      if (!this.#ended.signal.aborted) await this.#post(event, sighting);
      this.#queued--;
    });
  }

  async #post(event: ProxyEvent, sighting: Sighting): Promise<void> {
    const isRepeat = sighting.objectPath !== undefined;
    try {
      if (!isRepeat || !(await this.#patchSeries(sighting))) await this.#create(event, sighting);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const verb = isRepeat ? 'patch' : 'create';
      const { resource, group } = EVENT_RIGHTS;
      const failure = explainFailure(error, { verb, resource, group });
      this.#options.log(`event ${event.reason} was not posted: ${failure}`);
    }
  }

  async #create(event: ProxyEvent, sighting: Sighting): Promise<void> {
    const namespace = event.regarding.kind === 'Service' ? event.regarding.namespace : 'default';
    const path = `${PATH}/${namespace}/events`;
    const uid = event.uid ?? (await this.#uidOf(event.regarding));
    const name = this.#nameOf(event, uid);
    try {
      await this.#send('POST', path, this.#render(event, { name, namespace }, uid));
    } catch (error) {
      // Another node has said it.
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
    }
    sighting.objectPath = `${path}/${name}`;
  }

  /** @returns false when the event has expired at the server meanwhile */
  async #patchSeries(sighting: Sighting): Promise<boolean> {
    const series = {
      count: sighting.count,
      lastObservedTime: microTime(this.#options.timing.wallMs()),
    };
    try {
      await this.#send('PATCH', sighting.objectPath!, { series });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  #send(method: 'POST' | 'PATCH', path: string, body: unknown): Promise<unknown> {
    return this.#options.transport.sendJson(method, path, body, { signal: this.#ended.signal });
  }

  /**
   * `kubectl describe` finds Events by the uid of what it describes; of a Node the kubelet writes
   * its name for that.
   */
  async #uidOf(regarding: EventSubject): Promise<string | undefined> {
    if (regarding.kind === 'Node') return regarding.name;
    const { uidOf } = this.#options;
    return uidOf?.(regarding, this.#ended.signal).catch(() => undefined);
  }

  /** By chance, or by what is said of which object where every node may come to say it. */
  #nameOf({ regarding, reason, note, about }: ProxyEvent, uid: string | undefined): string {
    const chance = Math.floor(this.#options.random() * 2 ** 48).toString(16);
    const said = createHash('sha256').update(JSON.stringify([regarding, uid, reason, note]));
    const suffix = about === undefined ? chance.padStart(12, '0') : said.digest('hex').slice(0, 16);
    return `${regarding.name.slice(0, 230)}.${suffix}`;
  }

  #render(
    event: ProxyEvent,
    metadata: { readonly name: string; readonly namespace: string },
    uid: string | undefined,
  ) {
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata,
      eventTime: microTime(this.#options.timing.wallMs()),
      reportingController: COMPONENT,
      reportingInstance: `${COMPONENT}-${this.#options.nodeName}`.slice(0, 128),
      action: event.action,
      reason: event.reason,
      regarding: { apiVersion: 'v1', ...event.regarding, ...(uid === undefined ? {} : { uid }) },
      note: event.note.slice(0, MAX_NOTE),
      type: event.type,
    };
  }

  #takeToken(nowMs: number): boolean {
    this.#tokens = Math.min(BURST, this.#tokens + (nowMs - this.#countedAtMs) / REFILL_MS);
    this.#countedAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #remember(key: string, sighting: Sighting): void {
    this.#seen.delete(key);
    this.#seen.set(key, sighting);
    const oldest = this.#seen.keys().next();
    if (this.#seen.size > MEMORY && oldest.done !== true) this.#seen.delete(oldest.value);
  }
}
