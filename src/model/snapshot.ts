/**
 * What a source has told so far, added up: a ClusterSnapshot that grows and shrinks with each change and forgets a
 * Service wholly when the last of its slices goes.
 */
import type {
  ClusterChange,
  ClusterSnapshot,
  EndpointSliceResource,
  NodeResource,
  ObjectKey,
  ServiceResource,
} from './resources.ts';

export class ClusterStore implements ClusterSnapshot {
  readonly #services = new Map<ObjectKey, ServiceResource>();
  readonly #slices = new Map<ObjectKey, Map<ObjectKey, EndpointSliceResource>>();
  readonly #nodes = new Map<string, NodeResource>();
  /** slice key → Service key, to find a slice again whose label has changed */
  readonly #serviceOfSlice = new Map<ObjectKey, ObjectKey>();

  get services(): ReadonlyMap<ObjectKey, ServiceResource> {
    return this.#services;
  }

  get slices(): ReadonlyMap<ObjectKey, ReadonlyMap<ObjectKey, EndpointSliceResource>> {
    return this.#slices;
  }

  get nodes(): ReadonlyMap<string, NodeResource> {
    return this.#nodes;
  }

  slice(key: ObjectKey): EndpointSliceResource | undefined {
    const service = this.#serviceOfSlice.get(key);
    return service === undefined ? undefined : this.#slices.get(service)?.get(key);
  }

  /**
   * Takes a change in; one that says nothing new is harmless.
   *
   * @returns keys of the Services it concerns: two when a slice moved from one to the other, none for a Node
   */
  apply(change: ClusterChange): readonly ObjectKey[] {
    switch (change.kind) {
      case 'Service':
        setOrDelete(this.#services, change.key, change.object);
        return [change.key];
      case 'EndpointSlice':
        return this.#applySlice(change.key, change.object, change.service);
      case 'Node':
        setOrDelete(this.#nodes, change.key, change.object);
        return [];
      default:
        return change satisfies never;
    }
  }

  #applySlice(
    key: ObjectKey,
    slice: EndpointSliceResource | undefined,
    named: ObjectKey,
  ): readonly ObjectKey[] {
    const before = this.#serviceOfSlice.get(key);
    if (before !== undefined && before !== slice?.service) this.#removeSlice(before, key);
    if (slice === undefined) return [before ?? named];
    this.#serviceOfSlice.set(key, slice.service);
    const siblings = this.#slices.get(slice.service) ?? new Map<ObjectKey, EndpointSliceResource>();
    this.#slices.set(slice.service, siblings.set(key, slice));
    return before === undefined || before === slice.service
      ? [slice.service]
      : [before, slice.service];
  }

  /** Empty maps are dropped: a cluster that creates and deletes Services for years must not grow (kubernetes #128928). */
  #removeSlice(service: ObjectKey, key: ObjectKey): void {
    this.#serviceOfSlice.delete(key);
    const siblings = this.#slices.get(service);
    siblings?.delete(key);
    if (siblings?.size === 0) this.#slices.delete(service);
  }
}

function setOrDelete<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
