/**
 * Takes what a source tells and hands it on to the builder of the desired state, once every list is
 * complete; until then it waits in the store. Nothing reaches the kernel before the first complete
 * picture, so nothing is removed that is only late.
 */
import type { ClusterListener, KindStatus, SourceStatus } from '../cluster/source.ts';
import { ownNodeDoor } from '../config/ownNode.ts';
import { type KindName, KINDS } from '../model/kinds.ts';
import type { Problem } from '../model/problem.ts';
import type { NodeResource } from '../model/resources.ts';
import { type ClusterChange, ClusterStore, replay } from '../model/clusterStore.ts';
import type { Address } from '../net/address.ts';

export interface FeedTarget {
  change(change: ClusterChange): void;
}

export interface FeedEvents {
  /** after the target has taken the change */
  onChange(change: ClusterChange): void;
  onProblems(origin: string, problems: readonly Problem[]): void;
  onStatus(status: SourceStatus): void;
  onKindStatus?(status: KindStatus): void;
}

export class ClusterFeed implements ClusterListener {
  readonly store: ClusterStore;
  readonly #events: FeedEvents;
  readonly #nodeName: string;
  readonly #synced = Promise.withResolvers<void>();
  readonly #nodeRead = Promise.withResolvers<void>();
  /** of kinds that only features need */
  readonly #listed = new Map<KindName, PromiseWithResolvers<void>>();
  #target: FeedTarget | undefined;
  #lastOwnNode: NodeResource | undefined;

  /**
   * @param bindAddress kube-proxy's `bindAddress`: unless unspecified, it stands for this Node's
   * address of its family
   */
  constructor(nodeName: string, bindAddress: Address, events: FeedEvents) {
    this.#nodeName = nodeName;
    this.store = new ClusterStore(ownNodeDoor(nodeName, bindAddress));
    this.#events = events;
  }

  /** Resolves when every list is complete. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Resolves when the list of the kind is complete; never where nobody needs it. */
  listed(kind: KindName): Promise<void> {
    return KINDS[kind].isRequired ? this.synced : this.#listing(kind).promise;
  }

  /** Resolves when this Node has been read, or every list is complete without it. */
  get nodeRead(): Promise<void> {
    return this.#nodeRead.promise;
  }

  /** Undefined while there is none of this name. */
  get ownNode(): NodeResource | undefined {
    return this.store.nodes.get(this.#nodeName);
  }

  /** As it was when it was last there. */
  get lastOwnNode(): NodeResource | undefined {
    return this.#lastOwnNode;
  }

  /** Replays everything known into `target`, which then takes every further change. */
  direct(target: FeedTarget): void {
    this.#target = target;
    const object = this.#lastOwnNode;
    if (this.ownNode === undefined && object !== undefined)
      target.change({ kind: 'Node', key: this.#nodeName, object, before: undefined });
    for (const change of replay(this.store)) target.change(change);
  }

  onChange(change: ClusterChange): void {
    if (change.kind === 'Node' && change.key === this.#nodeName) this.#ownNodeChanged(change);
    else this.#target?.change(change);
    this.#events.onChange(change);
  }

  /**
   * A Node is deleted before its machine stops, or by mistake: until then its connections go on as
   * they are.
   */
  #ownNodeChanged(change: Extract<ClusterChange, { kind: 'Node' }>): void {
    if (change.object === undefined) return;
    this.#target?.change({ ...change, before: this.#lastOwnNode });
    this.#lastOwnNode = change.object;
    this.#nodeRead.resolve();
  }

  onSynced(): void {
    this.#nodeRead.resolve();
    this.#synced.resolve();
  }

  onProblems(origin: string, problems: readonly Problem[]): void {
    this.#events.onProblems(origin, problems);
  }

  onStatus(status: SourceStatus): void {
    this.#events.onStatus(status);
  }

  onKindStatus(status: KindStatus): void {
    if (status.isListed) this.#listing(status.kind).resolve();
    this.#events.onKindStatus?.(status);
  }

  #listing(kind: KindName): PromiseWithResolvers<void> {
    const listing = this.#listed.get(kind) ?? Promise.withResolvers<void>();
    this.#listed.set(kind, listing);
    return listing;
  }
}
