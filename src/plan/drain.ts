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

interface Draining {
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

  constructor(options: DrainOptions = DEFAULT_DRAIN) {
    this.#options = options;
  }

  /** destinations in the book */
  get size(): number {
    let size = 0;
    for (const destinations of this.#servers.values()) size += destinations.size;
    return size;
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
      if (operation.op === 'removeServer') this.#servers.delete(key);
      else if (operation.op === 'drainDestination') servers.set(key, operation.server);
      else if ('destination' in operation) this.#drop(key, destinationKey(operation.destination));
    }
    for (const { server, destination } of report.draining) {
      const spec = servers.get(server);
      if (spec !== undefined) this.#add(spec, destination, nowMs);
    }
  }

  /**
   * Takes in what the kernel holds at weight 0 on desired servers and nobody wants: an earlier
   * process was draining it.
   */
  adopt(desired: DesiredState, actual: ActualState, nowMs: number): void {
    for (const [key, server] of desired.virtualServers) {
      for (const destination of leftDraining(server, actual.virtualServers.get(key)))
        this.#add(specOf(server), destination, nowMs);
    }
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
        if (listed.has(key)) entry.deadlineMs = this.#deadline(nowMs);
        if (carried === undefined || wanted?.has(key)) this.#drop(server, key);
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

  #add(server: ServerSpec, destination: Destination, nowMs: number): void {
    const key = serverKey(server);
    if (this.has(key, destinationKey(destination))) return;
    const { firstLookMs } = this.#options;
    const destinations = this.#servers.get(key) ?? new Map<DestinationKey, Draining>();
    destinations.set(destinationKey(destination), {
      server,
      destination: { ...destination, weight: 0 },
      deadlineMs: this.#deadline(nowMs),
      intervalMs: firstLookMs,
      nextLookMs: this.#onGrid(nowMs + firstLookMs),
    });
    this.#servers.set(key, destinations);
  }

  #drop(server: ServerKey, destination: DestinationKey): void {
    const destinations = this.#servers.get(server);
    destinations?.delete(destination);
    if (destinations?.size === 0) this.#servers.delete(server);
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

function leftDraining(desired: VirtualServer, actual: VirtualServer | undefined): Destination[] {
  if (actual === undefined || !isDrained(desired)) return [];
  return [...actual.destinations]
    .filter(([key, { weight }]) => weight === 0 && !desired.destinations.has(key))
    .map(([, destination]) => destination);
}

function countKey({ server, destination }: DrainingDestination): string {
  return `${server} ${destinationKey(destination)}`;
}

function totalOf({ activeConnections, inactiveConnections }: DrainingDestination): number {
  return activeConnections + inactiveConnections;
}
