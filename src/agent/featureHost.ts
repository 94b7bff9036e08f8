/**
 * What each feature is handed when it starts, and how all of it is taken back when it stops, or its
 * start fails.
 */
import { Registry } from 'prom-client';
import type { ApiTransport } from '../cluster/transport.ts';
import type { DataplaneState } from '../dataplane/state.ts';
import type { FeatureHost, RouteBook } from '../feature/feature.ts';
import type { ClusterSnapshot } from '../model/clusterStore.ts';
import type { HostNetwork } from '../model/host.ts';
import type { KindName } from '../model/kinds.ts';
import type { Address } from '../net/address.ts';
import type { EventSink } from '../ops/conditionEvents.ts';
import type { Conditions } from '../ops/conditions.ts';
import { ConditionScope } from '../ops/conditionScope.ts';
import type { Route } from '../ops/httpListener.ts';
import type { Logger } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';
import type { Clock } from '../time/clock.ts';

/** The process around the agent. */
export interface FeatureSurroundings {
  readonly nodeName: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'include'>;
  readonly conditions: Conditions;
  /** absent without an API server */
  readonly events?: EventSink | undefined;
  /** absent without an API server */
  readonly api?: ApiTransport | undefined;
  readonly isHealthy: () => boolean;
}

/** What the agent lets features see. */
export interface AgentView {
  readonly cluster: ClusterSnapshot;
  readonly synced: Promise<void>;
  readonly listed: (kind: KindName) => Promise<void>;
  readonly isConnected: () => boolean;
  readonly desired: () => DataplaneState | undefined;
  readonly programmed: () => DataplaneState;
  readonly network: () => HostNetwork;
  /** {@link Shared.heldBack} has changed */
  readonly onHeldBack: () => void;
}

/** What features put in, each for itself. */
export class Shared {
  readonly routes = new Map<string, Route>();
  readonly addresses = new Map<string, readonly Address[]>();

  /** of other machines; no Service gets one here */
  get heldBack(): readonly Address[] {
    return [...this.addresses.values()].flat();
  }
}

export interface OpenedHost {
  readonly host: FeatureHost;
  /** Tells its work to end. */
  abort(): void;
  /** Takes back all that the feature put in; resolves when its work has ended. */
  close(): Promise<void>;
}

/** @param onFailed some work of the feature has thrown */
export function openHost(
  name: string,
  surroundings: FeatureSurroundings,
  view: AgentView,
  shared: Shared,
  onFailed: (error: unknown) => void,
): OpenedHost {
  const { events, api, metrics: all, conditions: known, ...around } = surroundings;
  const conditions = new ConditionScope(known);
  const metrics = new Registry();
  const exclude = all.include(metrics);
  const routes = new OwnRoutes(shared.routes);
  const ending = new AbortController();
  const works = new Set<Promise<void>>();
  const { onHeldBack, ...seen } = view;
  const host: FeatureHost = {
    ...around,
    ...seen,
    events,
    api,
    metrics,
    conditions,
    routes,
    run: (work) => {
      const done = work(ending.signal)
        .catch((error: unknown) => {
          if (!ending.signal.aborted) onFailed(error);
        })
        .finally(() => works.delete(done));
      works.add(done);
    },
    holdBack: (addresses) => {
      if (ending.signal.aborted) return;
      shared.addresses.set(name, addresses);
      onHeldBack();
    },
  };
  const close = async () => {
    ending.abort();
    exclude();
    routes.close();
    conditions.close();
    if (shared.addresses.delete(name)) onHeldBack();
    await Promise.all(works);
  };
  return { host, abort: () => ending.abort(), close };
}

/** One book for all, in which each strikes out its own only. */
class OwnRoutes implements RouteBook {
  readonly #all: Map<string, Route>;
  readonly #own = new Set<string>();

  constructor(all: Map<string, Route>) {
    this.#all = all;
  }

  serve(path: string, route: Route): void {
    if (this.#all.has(path)) throw new Error(`two features serve ${path}`);
    this.#all.set(path, route);
    this.#own.add(path);
  }

  get(path: string): Route | undefined {
    return this.#all.get(path);
  }

  close(): void {
    for (const path of this.#own) this.#all.delete(path);
  }
}
