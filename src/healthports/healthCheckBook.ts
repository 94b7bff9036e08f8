/**
 * The health checks that hold now, kept up with the cluster. A change counts when the round that
 * took it is done, and not before: a load balancer that is told of an endpoint sends to it at once,
 * and by then the kernel must know it.
 */
import type { ClusterChange, ClusterSnapshot } from '../model/clusterStore.ts';
import type { ObjectKey } from '../model/resources.ts';
import { type HealthCheck, healthChecksOf } from './healthCheck.ts';

export class HealthCheckBook {
  readonly #cluster: ClusterSnapshot;
  readonly #nodeName: string;
  /** Services that changed since the last round began */
  #queued = new Set<ObjectKey>();
  /** as they were when a round took them */
  readonly #taken = new Map<ObjectKey, readonly HealthCheck[]>();
  readonly #inForce = new Map<ObjectKey, readonly HealthCheck[]>();

  constructor(cluster: ClusterSnapshot, nodeName: string) {
    this.#cluster = cluster;
    this.#nodeName = nodeName;
  }

  /** By Service; those without one are left out. */
  get inForce(): ReadonlyMap<ObjectKey, readonly HealthCheck[]> {
    return this.#inForce;
  }

  changed({ kind, key, object, before }: ClusterChange): void {
    if (kind === 'Service') {
      if ([before, object].some((each) => each?.healthCheckNodePort)) this.#queued.add(key);
    } else if (kind === 'EndpointSlice') {
      for (const slice of [before, object]) this.#sliceChanged(slice?.service);
    }
  }

  roundBegan(): void {
    for (const key of this.#queued) this.#taken.set(key, this.#checksOf(key));
    this.#queued = new Set();
  }

  /** @returns whether anything is otherwise than before */
  roundDone(): boolean {
    if (this.#taken.size === 0) return false;
    for (const [key, checks] of this.#taken) {
      if (checks.length === 0) this.#inForce.delete(key);
      else this.#inForce.set(key, checks);
    }
    this.#taken.clear();
    return true;
  }

  #sliceChanged(service: ObjectKey | undefined): void {
    if (service === undefined) return;
    if (this.#cluster.services.get(service)?.healthCheckNodePort) this.#queued.add(service);
  }

  #checksOf(key: ObjectKey): readonly HealthCheck[] {
    const service = this.#cluster.services.get(key);
    if (service === undefined) return [];
    const slices = this.#cluster.slices.get(key) ?? [];
    return healthChecksOf(service, slices, this.#nodeName);
  }
}
