/**
 * How something beside the proxying of Services plugs into the agent. A feature is known to one
 * place, the list agent/features.ts; it is handed what it may use, and nothing of what it does,
 * throws or never ends reaches the loop: it is a condition then, and the proxy proxies. What shapes
 * the dataplane is a contributor (desired/contributor.ts).
 */
import type { Registry } from 'prom-client';
import type { ApiTransport } from '../cluster/transport.ts';
import type { DataplaneState } from '../dataplane/state.ts';
import type { ClusterChange, ClusterSnapshot } from '../model/clusterStore.ts';
import type { HostNetwork } from '../model/host.ts';
import type { KindName } from '../model/kinds.ts';
import type { Address } from '../net/address.ts';
import type { EventSink } from '../ops/conditionEvents.ts';
import type { Conditions } from '../ops/conditions.ts';
import type { Route } from '../ops/httpListener.ts';
import type { Logger } from '../ops/log.ts';
import type { RoundOutcome } from '../plan/round.ts';
import type { Clock } from '../time/clock.ts';

export interface Feature {
  /** in words with hyphens; subject of its conditions */
  readonly name: string;
  /**
   * Begins its work. Called again after it has thrown, some time later, and with another host: what
   * a failed start has opened it has closed itself. The first round waits for it, but not long.
   */
  start(host: FeatureHost): Running | Promise<Running>;
}

/**
 * What may throw is caught, reported by the feature's name and forgotten: the next call comes all
 * the same.
 */
export interface Running {
  /**
   * At first for each object that there is, then for each change, in the order of the source. Must
   * not block.
   */
  changed?(change: ClusterChange): void;
  /** A round of the loop begins, and takes what was told so far. Must not block. */
  roundBegan?(): void;
  /**
   * After each round that wrote or compared something, with what the kernel has taken. Must not
   * block.
   */
  round?(outcome: RoundOutcome): void;
  /**
   * What the last round took is in the kernel, as far as the kernel takes it; not called for one
   * that was given up, whose changes the next one takes. Must not block.
   */
  roundDone?(): void;
  /** The rest of the process waits for it for a moment only. */
  stop(): void | Promise<void>;
}

/** What a feature is given. There is no other way out of it. */
export interface FeatureHost {
  readonly nodeName: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** of its own: what is in it is on /metrics as long as the feature runs */
  readonly metrics: Registry;
  readonly conditions: Pick<Conditions, 'set' | 'clear'>;
  /** absent without an API server */
  readonly events: EventSink | undefined;
  /** absent without an API server */
  readonly api: ApiTransport | undefined;
  readonly routes: RouteBook;
  /** live; its lists may be incomplete before {@link FeatureHost.synced} */
  readonly cluster: ClusterSnapshot;
  /** resolves when what every proxy reads has been listed for the first time; never rejects */
  readonly synced: Promise<void>;
  /**
   * Resolves when the kind has been listed for the first time; never rejects. Of one that only
   * features need only where the feature's row names it.
   */
  readonly listed: (kind: KindName) => Promise<void>;
  /**
   * What the loop works towards; undefined until the cluster has been read. Live, not to be
   * changed.
   */
  readonly desired: () => DataplaneState | undefined;
  /**
   * What is in the kernel as far as known; empty before the first reading. Live, not to be changed.
   */
  readonly programmed: () => DataplaneState;
  /** This machine as it is now: the same object as before where nothing of it has changed. */
  readonly network: () => HostNetwork;
  /** Whether the cluster is watched at the moment: what is known of it is as new as it can be. */
  readonly isConnected: () => boolean;
  /** Whether changes reach the kernel in time, which is what load balancers are told. */
  readonly isHealthy: () => boolean;
  /**
   * Work beside the rounds that may throw: that is reported by the feature's name. The signal fires
   * before {@link Running.stop} is called, and the end of the work is waited for after it.
   */
  readonly run: (work: (signal: AbortSignal) => Promise<void>) => void;
  /**
   * Addresses of other machines that no Service gets on this node, in place of those that this
   * feature named before.
   */
  readonly holdBack: (addresses: readonly Address[]) => void;
}

/** Paths of the local server (localserver/): a program on this node may read them. */
export interface RouteBook {
  /** Until the feature stops. @param path `/v1/…` */
  serve(path: string, route: Route): void;
  get(path: string): Route | undefined;
}

/**
 * A start that failed for a reason which is a sentence of its own: what cannot be done, and what
 * that means.
 */
export class FeatureStartError extends Error {
  override readonly name = 'FeatureStartError';
}
