/**
 * The book of destinations that leave: weight 0, kept while they carry connections. Decides which
 * are removed and when to look again; counting connections and the clock are the caller's. Kept in
 * memory only: after a restart {@link DrainBook.adopt} finds in the kernel's state what an earlier
 * process left draining.
 */
import type { ActualState, Destination, DestinationKey, ServerKey } from '../dataplane/state.ts';
import type { DesiredState, VirtualServer } from '../dataplane/state.ts';
import { destinationKey, serverKey } from '../dataplane/state.ts';
import type {
  ApplyReport,
  DrainingDestination,
  Operation,
  ServerSpec,
} from '../dataplane/operations.ts';
import { isDrained, specOf } from './serverDifference.ts';
import { inSlices, NOTHING } from './slices.ts';

export interface DrainOptions {
  /**
   * how long a destination may drain that no slice lists any more, before it is removed with the
   * connections it still carries; Infinity = for ever
   */
  readonly deadlineMs: number;
  /** time to the first look at a new destination; doubled after each look */
  readonly firstLookMs: number;
  readonly longestLookMs: number;
  /**
   * looks fall on multiples of it: what began to drain at different moments is looked at together
   */
  readonly gridMs: number;
}

/**
 * 15 minutes are the time after which IPVS itself forgets a silent TCP connection (`ipvsadm --set`,
 * 900 s): a destination that is dead and still "carries" connections never outlives it. kube-proxy
 * looks once a minute and has no deadline.
 */
export const DEFAULT_DRAIN: DrainOptions = {
  deadlineMs: 15 * 60_000,
  firstLookMs: 5_000,
  longestLookMs: 60_000,
  gridMs: 5_000,
};

/** What is wanted, and what is still known of what is not. */
export interface DrainSource {
  readonly state: Pick<DesiredState, 'virtualServers'>;
  /** destinations that some slice still lists for a virtual server, usable or not */
  listed(server: ServerKey): ReadonlySet<DestinationKey>;
}

/**
 * All its connections have ended; its deadline has passed and they were cut; an endpoint is there
 * again; somebody else has removed it or given it weight, or its server went.
 */
export const DRAIN_ENDS = ['empty', 'deadline', 'wanted', 'gone'] as const;
export type DrainEnd = (typeof DRAIN_ENDS)[number];

export interface DrainSummary {
  readonly destinations: number;
  readonly connections: number;
  /** monotonic ms; undefined without any */
  readonly oldestSinceMs: number | undefined;
  readonly started: number;
  readonly ended: Readonly<Record<DrainEnd, number>>;
}

interface Draining {
  readonly sinceMs: number;
  /** when last looked at */
  connections: number;
  readonly server: ServerSpec;
  readonly destination: Destination;
  deadlineMs: number;
  /** doubles */
  intervalMs: number;
  nextLookMs: number;
}

export class DrainBook {
  readonly #options: DrainOptions;
  readonly #servers = new Map<ServerKey, Map<DestinationKey, Draining>>();
  #started = 0;
  readonly #ended: Record<DrainEnd, number> = { empty: 0, deadline: 0, wanted: 0, gone: 0 };

  constructor(options: DrainOptions = DEFAULT_DRAIN) {
    this.#options = options;
  }

  /** destinations in the book */
  get size(): number {
    let size = 0;
    for (const destinations of this.#servers.values()) size += destinations.size;
    return size;
  }

  get summary(): DrainSummary {
    const entries = [...this.#entries()];
    const oldestMs = Math.min(...entries.map(({ sinceMs }) => sinceMs));
    return {
      destinations: entries.length,
      connections: entries.reduce((sum, { connections }) => sum + connections, 0),
      oldestSinceMs: entries.length === 0 ? undefined : oldestMs,
      started: this.#started,
      ended: { ...this.#ended },
    };
  }

  has(server: ServerKey, destination: DestinationKey): boolean {
    return this.#servers.get(server)?.has(destination) ?? false;
  }

  /** Servers to look at now, whose connection counts {@link check} wants. */
  dueServers(nowMs: number): ServerKey[] {
    return Array.from(this.#servers)
      .filter(([, entries]) => [...entries.values()].some((entry) => nowMs >= entry.nextLookMs))
      .map(([key]) => key);
  }

  /** @returns monotonic milliseconds; Infinity for an empty book */
  nextCheckMs(): number {
    let next = Infinity;
    for (const entry of this.#entries()) next = Math.min(next, entry.nextLookMs);
    return next;
  }

  /**
   * Books what a plan left behind: what still drains comes in, what was removed or has a weight
   * again goes out.
   */
  record(report: ApplyReport, nowMs: number): void {
    const servers = new Map<ServerKey, ServerSpec>();
    for (const operation of report.done) {
      if (!('server' in operation)) continue;
      const key = serverKey(operation.server);
      if (operation.op === 'removeServer') this.#dropServer(key);
      else if (operation.op === 'drainDestination') servers.set(key, operation.server);
      else if ('destination' in operation) {
        const isRemoved = operation.op === 'removeDestination';
        this.#drop(key, destinationKey(operation.destination), isRemoved ? undefined : 'wanted');
      }
    }
    for (const left of report.draining) {
      const spec = servers.get(left.server);
      if (spec !== undefined) this.#add(spec, left.destination, nowMs, totalOf(left));
    }
  }

  /**
   * Takes in what the kernel holds at weight 0 on desired servers and nobody wants: an earlier
   * process was draining it.
   *
   * @returns to be taken to its end, in slices or at once; it finds nothing to do
   */
  *adopt(
    desired: DesiredState,
    actual: ActualState,
    nowMs: number,
  ): Generator<readonly Operation[], void> {
    const { virtualServers: servers } = actual;
    yield* inSlices(desired.virtualServers, ([key, server]) => {
      for (const destination of leftDraining(server, servers.get(key)))
        this.#add(specOf(server), destination, nowMs);
      return NOTHING;
    });
  }

  /**
   * A pod that terminates or is not ready may end its own connections, however long that takes: the
   * deadline of a destination that a slice still lists begins anew with each look.
   *
   * @param servers the looked-at, of {@link dueServers}
   * @param counts every weight-0 destination of these; one that is missing is gone, or was given
   * weight by someone
   * @param source what is in its state again leaves the book and stays in the kernel
   * @returns removals for those without connections and those past their deadline; they leave the
   * book when a report says done
   */
  check(
    servers: readonly ServerKey[],
    counts: readonly DrainingDestination[],
    nowMs: number,
    source: DrainSource,
  ): Operation[] {
    const connections = new Map(counts.map((count) => [countKey(count), totalOf(count)]));
    return servers.flatMap((server) => {
      const wanted = source.state.virtualServers.get(server)?.destinations;
      const listed = source.listed(server);
      const operations: Operation[] = [];
      for (const [key, entry] of this.#servers.get(server) ?? []) {
        const carried = connections.get(`${server} ${key}`);
        entry.connections = carried ?? 0;
        if (listed.has(key)) entry.deadlineMs = this.#deadline(nowMs);
        if (carried === undefined || wanted?.has(key))
          this.#drop(server, key, wanted?.has(key) === true ? 'wanted' : 'gone');
        else if (carried === 0 || nowMs >= entry.deadlineMs)
          operations.push({
            op: 'removeDestination',
            server: entry.server,
            destination: entry.destination,
          });
        this.#postpone(entry, nowMs);
      }
      return operations;
    });
  }

  #add(server: ServerSpec, destination: Destination, nowMs: number, connections = 0): void {
    const key = serverKey(server);
    if (this.has(key, destinationKey(destination))) return;
    const { firstLookMs } = this.#options;
    const destinations = this.#servers.get(key) ?? new Map<DestinationKey, Draining>();
    this.#started++;
    destinations.set(destinationKey(destination), {
      sinceMs: nowMs,
      connections,
      server,
      destination: { ...destination, weight: 0 },
      deadlineMs: this.#deadline(nowMs),
      intervalMs: firstLookMs,
      nextLookMs: this.#onGrid(nowMs + firstLookMs),
    });
    this.#servers.set(key, destinations);
  }

  /** @param how default: it was removed as {@link check} said, for want of connections or time */
  #drop(server: ServerKey, destination: DestinationKey, how?: DrainEnd): void {
    const destinations = this.#servers.get(server);
    const entry = destinations?.get(destination);
    if (destinations === undefined || entry === undefined) return;
    this.#ended[how ?? (entry.connections > 0 ? 'deadline' : 'empty')]++;
    destinations.delete(destination);
    if (destinations.size === 0) this.#servers.delete(server);
  }

  #dropServer(server: ServerKey): void {
    this.#ended.gone += this.#servers.get(server)?.size ?? 0;
    this.#servers.delete(server);
  }

  /** Also after a removal was returned: if that fails, it is tried again at the next look. */
  #postpone(entry: Draining, nowMs: number): void {
    if (nowMs < entry.nextLookMs) return;
    entry.intervalMs = Math.min(entry.intervalMs * 2, this.#options.longestLookMs);
    const next = this.#onGrid(nowMs + entry.intervalMs);
    entry.nextLookMs = nowMs < entry.deadlineMs ? Math.min(next, entry.deadlineMs) : next;
  }

  #deadline(nowMs: number): number {
    return this.#onGrid(nowMs + this.#options.deadlineMs);
  }

  #onGrid(ms: number): number {
    const { gridMs } = this.#options;
    return Math.ceil(ms / gridMs) * gridMs;
  }

  *#entries(): Iterable<Draining> {
    for (const destinations of this.#servers.values()) yield* destinations.values();
  }
}

function* leftDraining(
  desired: VirtualServer,
  actual: VirtualServer | undefined,
): Generator<Destination, void> {
  if (actual === undefined || !isDrained(desired)) return;
  for (const [key, destination] of actual.destinations) {
    if (destination.weight === 0 && !desired.destinations.has(key)) yield destination;
  }
}

function countKey({ server, destination }: DrainingDestination): string {
  return `${server} ${destinationKey(destination)}`;
}

function totalOf({ activeConnections, inactiveConnections }: DrainingDestination): number {
  return activeConnections + inactiveConnections;
}
