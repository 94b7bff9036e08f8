/**
 * Takes what a source tells and hands it on: into a store until every list is complete, to the builder of the desired state
 * from then on. Nothing reaches the kernel before the first complete picture, so nothing is removed that is only late.
 */
import type { ClusterListener, SourceStatus } from '../cluster/source.ts';
import { withBindAddress } from '../config/ownNode.ts';
import type { Problem } from '../model/problem.ts';
import type { ClusterChange, ClusterSnapshot, NodeResource } from '../model/resources.ts';
import { ClusterStore } from '../model/snapshot.ts';
import type { Address } from '../net/address.ts';

export interface FeedTarget {
  change(change: ClusterChange): void;
}

export interface FeedEvents {
  /** after the target has taken the change */
  onChange(change: ClusterChange): void;
  onProblems(origin: string, problems: readonly Problem[]): void;
  onStatus(status: SourceStatus): void;
}

export class ClusterFeed implements ClusterListener {
  readonly #store = new ClusterStore();
  readonly #events: FeedEvents;
  readonly #nodeName: string;
  readonly #bindAddress: Address;
  readonly #synced = Promise.withResolvers<void>();
  #target: FeedTarget | undefined;
  #lastOwnNode: NodeResource | undefined;

  /** @param bindAddress kube-proxy's `bindAddress`: unless unspecified, it stands for this Node's address of its family */
  constructor(nodeName: string, bindAddress: Address, events: FeedEvents) {
    this.#nodeName = nodeName;
    this.#bindAddress = bindAddress;
    this.#events = events;
  }

  /** Resolves when every list is complete. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get snapshot(): ClusterSnapshot {
    return this.#store;
  }

  /** Undefined while there is none of this name. */
  get ownNode(): NodeResource | undefined {
    return this.#store.nodes.get(this.#nodeName);
  }

  /** As it was when it was last there. */
  get lastOwnNode(): NodeResource | undefined {
    return this.#lastOwnNode;
  }

  /** Replays everything known into `target`, which then takes every further change. */
  direct(target: FeedTarget): void {
    this.#target = target;
    for (const [key, object] of this.#store.nodes) target.change({ kind: 'Node', key, object });
    if (this.ownNode === undefined && this.#lastOwnNode !== undefined)
      target.change({ kind: 'Node', key: this.#nodeName, object: this.#lastOwnNode });
    for (const [service, slices] of this.#store.slices) {
      for (const [key, object] of slices) {
        target.change({ kind: 'EndpointSlice', key, service, object });
      }
    }
    for (const [key, object] of this.#store.services) {
      target.change({ kind: 'Service', key, object });
    }
  }

  onChange(change: ClusterChange): void {
    const seen = this.#withBindAddress(change);
    this.#store.apply(seen);
    const isOwn = seen.kind === 'Node' && seen.key === this.#nodeName;
    if (isOwn) this.#lastOwnNode = seen.object ?? this.#lastOwnNode;
    // A Node is deleted before its machine stops, or by mistake: until then its connections go on as they are.
    if (!isOwn || seen.object !== undefined) this.#target?.change(seen);
    this.#events.onChange(seen);
  }

  onSynced(): void {
    this.#synced.resolve();
  }

  onProblems(origin: string, problems: readonly Problem[]): void {
    this.#events.onProblems(origin, problems);
  }

  onStatus(status: SourceStatus): void {
    this.#events.onStatus(status);
  }

  #withBindAddress(change: ClusterChange): ClusterChange {
    const isOwnNode = change.kind === 'Node' && change.key === this.#nodeName;
    if (!isOwnNode || change.object === undefined) return change;
    return { ...change, object: withBindAddress(change.object, this.#bindAddress) };
  }
}
