/**
 * What a source has told so far, added up, and the one place where objects are kept: a source puts
 * them in, and everybody else reads them here or hears of the change. Forgets a Service wholly when
 * the last of its slices goes.
 */
import { ALL_KINDS, type KindName, type KindObjects } from './kinds.ts';
import type {
  EndpointSliceResource,
  NodeResource,
  ObjectKey,
  ServiceResource,
} from './resources.ts';
import { sameValue } from './sameValue.ts';
import { trimmed } from './trimmed.ts';

/** One object as it is now; none: there is none of this key. */
export type ObjectState = {
  readonly [K in KindName]: {
    readonly kind: K;
    readonly key: ObjectKey;
    readonly object: KindObjects[K] | undefined;
  };
}[KindName];

/** One object came (nothing before), changed or went (no object now). */
export type ClusterChange = {
  readonly [K in KindName]: {
    readonly kind: K;
    readonly key: ObjectKey;
    readonly object: KindObjects[K] | undefined;
    readonly before: KindObjects[K] | undefined;
  };
}[KindName];

/** Everything a source knows, in slim form. Live where it is a store's. */
export interface ClusterSnapshot {
  objects<K extends KindName>(kind: K): ReadonlyMap<ObjectKey, KindObjects[K]>;
  readonly services: ReadonlyMap<ObjectKey, ServiceResource>;
  /** those for proxies, by Service key; never an empty list */
  readonly slices: ReadonlyMap<ObjectKey, readonly EndpointSliceResource[]>;
  readonly nodes: ReadonlyMap<string, NodeResource>;
}

/**
 * What objects of a kind are made into before they are kept, where the configuration has a say in
 * it.
 */
export type Doors = {
  readonly [K in KindName]?: (object: KindObjects[K]) => KindObjects[K];
};

type Objects = { readonly [K in KindName]: Map<ObjectKey, KindObjects[K]> };

export class ClusterStore implements ClusterSnapshot {
  readonly #doors: Doors;
  readonly #objects = Object.fromEntries(ALL_KINDS.map(({ kind }) => [kind, new Map()])) as Objects;
  readonly #slices = new Map<ObjectKey, readonly EndpointSliceResource[]>();

  constructor(doors: Doors = {}) {
    this.#doors = doors;
  }

  objects<K extends KindName>(kind: K): ReadonlyMap<ObjectKey, KindObjects[K]> {
    return this.#objects[kind];
  }

  keys(kind: KindName): Iterable<ObjectKey> {
    return this.#objects[kind].keys();
  }

  get services(): ReadonlyMap<ObjectKey, ServiceResource> {
    return this.#objects.Service;
  }

  get slices(): ReadonlyMap<ObjectKey, readonly EndpointSliceResource[]> {
    return this.#slices;
  }

  get nodes(): ReadonlyMap<string, NodeResource> {
    return this.#objects.Node;
  }

  /** @returns nothing when it is as it was in everything we read */
  put(state: ObjectState): ClusterChange | undefined {
    const { kind, key } = state;
    const objects: Map<ObjectKey, unknown> = this.#objects[kind];
    const before = objects.get(key);
    const object = this.#admitted(state);
    if (sameValue(before, object)) return undefined;
    if (object === undefined) objects.delete(key);
    else objects.set(key, object);
    // The three are of one kind, which the types cannot say of a union.
    const change = { kind, key, object, before } as ClusterChange;
    if (change.kind === 'EndpointSlice') this.#indexSlice(change);
    return change;
  }

  #admitted({ kind, object }: ObjectState): unknown {
    const door = this.#doors[kind] as ((object: unknown) => unknown) | undefined;
    return object === undefined || door === undefined ? object : door(object);
  }

  #indexSlice({ object, before }: Extract<ClusterChange, { kind: 'EndpointSlice' }>): void {
    const last = forProxies(before);
    const now = forProxies(object);
    const isMoved = last?.service !== now?.service;
    if (last !== undefined && isMoved) this.#leave(last);
    if (now === undefined) return;
    const siblings = this.#slices.get(now.service) ?? [];
    const isThere = last !== undefined && !isMoved;
    const next = isThere ? siblings.with(siblings.indexOf(last), now) : [...siblings, now];
    this.#slices.set(now.service, trimmed(next));
  }

  /**
   * Empty lists are dropped: a cluster that creates and deletes Services for years must not grow
   * (kubernetes #128928).
   */
  #leave(slice: EndpointSliceResource): void {
    const rest = this.#slices.get(slice.service)!.filter((each) => each !== slice);
    if (rest.length > 0) this.#slices.set(slice.service, rest);
    else this.#slices.delete(slice.service);
  }
}

/** A slice that became headless is gone for them. */
export function forProxies(
  slice: EndpointSliceResource | undefined,
): EndpointSliceResource | undefined {
  return slice?.isHeadless === true ? undefined : slice;
}

/**
 * Everything as if it came now; from the end of the table, so that a Service finds its endpoints
 * and its Node.
 */
export function* replay(cluster: ClusterSnapshot): Generator<ClusterChange> {
  for (const { kind } of ALL_KINDS.toReversed()) {
    for (const [key, object] of cluster.objects(kind)) {
      yield { kind, key, object, before: undefined } as ClusterChange;
    }
  }
}
