/**
 * What a round did to the kernel, for the verbose log: at 2 by Service, at 4 operation by
 * operation, with what changed in the cluster. Where nobody wants to know it costs one question a
 * round, and one an object.
 */
import type { Operation } from '../../dataplane/operations.ts';
import { operationSubject } from '../../dataplane/operations.ts';
import {
  type DataplaneState,
  destinationKey,
  type ServerKey,
  serverKey,
} from '../../dataplane/state.ts';
import type { ClusterChange } from '../../model/clusterStore.ts';
import type { Logger } from '../../ops/log.ts';
import type { RoundOutcome } from '../../plan/round.ts';

/** A start programs thousands; at 4 they are all there anyway. */
const MAX_SERVICES = 100;
const MAX_ITEMS = 20;

/** Servers by service port, `ns/name:port`. */
type Names = Map<ServerKey, string>;

type OfServer = Extract<Operation, { readonly server: unknown }>;

/** What an operation does to a Service: to its servers, or to endpoints of whichever of them. */
const EFFECTS = {
  addServer: 'added',
  updateServer: 'changed',
  removeServer: 'removed',
  addDestination: 'endpointsAdded',
  updateDestination: 'endpointsChanged',
  drainDestination: 'endpointsDraining',
  removeDestination: 'endpointsRemoved',
} as const satisfies Readonly<Record<OfServer['op'], string>>;

/** Keys of servers and destinations. */
type ServiceChange = Map<(typeof EFFECTS)[OfServer['op']], Set<string>>;

export class ChangeLog {
  readonly #log: Logger;
  /**
   * Whose a server was is asked when its Service is gone, and the kernel does not know. Kept while
   * somebody wants to know.
   */
  #names: Names | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  round(
    { isFull, report: { done } }: Pick<RoundOutcome, 'isFull' | 'report'>,
    desired: DataplaneState,
  ) {
    if (!this.#log.isVerbose(2)) {
      this.#names = undefined;
      return;
    }
    const names = this.#names ?? new Map();
    if (done.length > 0) this.#tell(done, names, desired);
    this.#names = isFull || this.#names === undefined ? namesIn(desired) : names;
  }

  /** One of the cluster's, before anything follows from it. */
  object({ kind, key, object }: Pick<ClusterChange, 'kind' | 'key' | 'object'>): void {
    if (!this.#log.isVerbose(4)) return;
    this.#log.verbose(4, object === undefined ? 'object is gone' : 'object changed', { kind, key });
  }

  #tell(done: readonly Operation[], names: Names, desired: DataplaneState): void {
    const services = new Map<string, ServiceChange>();
    const others: string[] = [];
    // Asked once: with --vmodule the answer takes longer than a line.
    const isEachTold = this.#log.isVerbose(4);
    for (const operation of done) {
      if (isEachTold) {
        this.#log.verbose(4, operation.op, { subject: operationSubject(operation) });
      }
      if ('server' in operation) {
        const service = serviceOf(operation, names, desired);
        note(operation, services, service);
      } else if (!isOfServices(operation)) {
        others.push(`${operation.op} ${operationSubject(operation)}`);
      }
    }
    this.#tellServices(services);
    if (others.length > 0) this.#log.verbose(2, 'node changed', { operations: shortened(others) });
  }

  #tellServices(services: ReadonlyMap<string, ServiceChange>): void {
    for (const [service, change] of [...services].slice(0, MAX_SERVICES)) {
      const fields: Record<string, unknown> = { service };
      for (const effect of Object.values(EFFECTS)) {
        const keys = change.get(effect);
        if (keys !== undefined) fields[effect] = shortened([...keys]);
      }
      this.#log.verbose(2, 'Service changed', fields);
    }
    const untold = services.size - MAX_SERVICES;
    if (untold > 0) this.#log.verbose(2, 'more Services changed', { count: untold });
  }
}

/** `ns/name`, and keeps in mind whose the server is from here on. */
function serviceOf({ op, server }: OfServer, names: Names, desired: DataplaneState): string {
  const key = serverKey(server);
  const label = server.service ?? desired.virtualServers.get(key)?.service ?? names.get(key);
  if (op === 'removeServer') names.delete(key);
  else if (label !== undefined) names.set(key, label);
  return label?.split(':')[0] ?? 'unknown';
}

function namesIn({ virtualServers }: DataplaneState): Names {
  const names: Names = new Map();
  for (const [key, { service }] of virtualServers)
    if (service !== undefined) names.set(key, service);
  return names;
}

function note(operation: OfServer, services: Map<string, ServiceChange>, service: string): void {
  const change: ServiceChange = services.get(service) ?? new Map();
  services.set(service, change);
  const effect = EFFECTS[operation.op];
  const keys = change.get(effect) ?? new Set();
  const isOfEndpoint = 'destination' in operation;
  change.set(
    effect,
    keys.add(isOfEndpoint ? destinationKey(operation.destination) : serverKey(operation.server)),
  );
}

/** What comes and goes with the addresses and servers of Services. */
function isOfServices({ op }: Operation): boolean {
  return ['addEntry', 'removeEntry', 'bindAddress', 'unbindAddress'].includes(op);
}

function shortened(items: readonly string[]): readonly string[] {
  if (items.length <= MAX_ITEMS) return items;
  return [...items.slice(0, MAX_ITEMS), `and ${items.length - MAX_ITEMS} more`];
}
