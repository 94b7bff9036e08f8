/**
 * Events of the proxy, for `kubectl describe`: what is said, about which object. They are a courtesy: posted one after
 * the other in the background, the same words about the same object once per interval, no more than a budget in all,
 * and a failure to post is only logged.
 */
import { ApiError, explainFailure, isRecord } from './apiError.ts';
import type { ApiTransport, Timing } from './transport.ts';

export type EventSubject =
  | { readonly kind: 'Node'; readonly name: string }
  | { readonly kind: 'Service'; readonly namespace: string; readonly name: string };

export interface ProxyEvent {
  readonly regarding: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, for machines: `Starting` */
  readonly reason: string;
  /** what was being done: `StartKubeProxy`, `Listen` */
  readonly action: string;
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly transport: ApiTransport;
  readonly timing: Timing;
  readonly random: () => number;
  readonly nodeName: string;
  /** `reportingController`; default `kube-proxy`, which is what tools look for */
  readonly component?: string;
  readonly log: (message: string) => void;
}

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
/** At the end of the process, for what is being posted: an API server that answers at all does so sooner. */
const CLOSE_GRACE_MS = 1_000;

interface Sighting {
  postedAtMs: number;
  count: number;
  /** path of the posted object; undefined until the server has taken it */
  objectPath: string | undefined;
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #component: string;
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
    this.#component = options.component ?? 'kube-proxy';
    this.#countedAtMs = options.timing.monotonicMs();
  }

  /** Returns at once; whether the event arrives is not known to the caller. */
  record(event: ProxyEvent): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.timing.monotonicMs();
    const key = JSON.stringify([event.regarding, event.type, event.reason, event.note]);
    const before = this.#seen.get(key);
    if (before !== undefined) before.count++;
    if (before !== undefined && nowMs - before.postedAtMs < REPEAT_MS) return;
    if (this.#queued >= MAX_QUEUE || !this.#takeToken(nowMs)) return;
    const sighting = before ?? { postedAtMs: nowMs, count: 1, objectPath: undefined };
    sighting.postedAtMs = nowMs;
    this.#remember(key, sighting);
    this.#enqueue(event, sighting);
  }

  /** Takes no more, and resolves within a second whatever the API server does: what is not posted by then is dropped. */
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
      const attempt = { verb, resource: 'events', group: 'events.k8s.io' } as const;
      this.#options.log(`event ${event.reason} was not posted: ${explainFailure(error, attempt)}`);
    }
  }

  async #create(event: ProxyEvent, sighting: Sighting): Promise<void> {
    const namespace = event.regarding.kind === 'Service' ? event.regarding.namespace : 'default';
    const path = `${PATH}/${namespace}/events`;
    const created = await this.#send('POST', path, this.#render(event, namespace));
    const metadata = isRecord(created) && isRecord(created['metadata']) ? created['metadata'] : {};
    sighting.objectPath = `${path}/${String(metadata['name'])}`;
  }

  /** @returns false when the event has expired at the server meanwhile */
  async #patchSeries(sighting: Sighting): Promise<boolean> {
    const series = { count: sighting.count, lastObservedTime: this.#microTime() };
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

  #render(event: ProxyEvent, namespace: string): unknown {
    const { nodeName, random } = this.#options;
    const suffix = Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0');
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${event.regarding.name.slice(0, 240)}.${suffix}`, namespace },
      eventTime: this.#microTime(),
      reportingController: this.#component,
      reportingInstance: `${this.#component}-${nodeName}`.slice(0, 128),
      action: event.action,
      reason: event.reason,
      regarding: referenceTo(event.regarding),
      note: event.note.slice(0, MAX_NOTE),
      type: event.type,
    };
  }

  /** RFC 3339 with six digits, which is what the API's MicroTime accepts. */
  #microTime(): string {
    return new Date(this.#options.timing.wallMs()).toISOString().replace('Z', '000Z');
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

/** `kubectl describe node` finds events by a uid that equals the node's name, as the kubelet writes them. */
function referenceTo(subject: EventSubject): unknown {
  if (subject.kind === 'Node')
    return { apiVersion: 'v1', kind: 'Node', name: subject.name, uid: subject.name };
  return { apiVersion: 'v1', kind: 'Service', namespace: subject.namespace, name: subject.name };
}
