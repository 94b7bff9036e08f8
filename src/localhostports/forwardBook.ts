/**
 * The forwards that hold now, by nodePort, kept up with the cluster at the cost of what changed. A
 * port without a usable endpoint is not there: nothing listens then, and the kernel refuses.
 */
import type { ClusterChange, ClusterSnapshot } from '../model/clusterStore.ts';
import type { ChoosingNode } from '../model/endpointChoice.ts';
import type { ObjectKey } from '../model/resources.ts';
import { type Forward, forwardsOf, hasTcpNodePort } from './forward.ts';

export class ForwardBook {
  readonly #cluster: ClusterSnapshot;
  readonly #nodeName: string;
  #changed = new Set<ObjectKey>();
  readonly #byService = new Map<ObjectKey, readonly Forward[]>();
  #zone: string | undefined;

  constructor(cluster: ClusterSnapshot, nodeName: string) {
    this.#cluster = cluster;
    this.#nodeName = nodeName;
  }

  changed({ kind, key, object, before }: ClusterChange): void {
    if (kind === 'Service') {
      if (hasTcpNodePort(before) || hasTcpNodePort(object)) this.#changed.add(key);
    } else if (kind === 'EndpointSlice') {
      for (const slice of [before, object]) {
        if (slice === undefined) continue;
        if (hasTcpNodePort(this.#cluster.services.get(slice.service)))
          this.#changed.add(slice.service);
      }
    } else if (kind === 'Node' && key === this.#nodeName && object?.zone !== this.#zone) {
      // Hints may be for another zone now.
      this.#zone = object?.zone;
      for (const service of this.#byService.keys()) this.#changed.add(service);
    }
  }

  /** Takes what changed. @returns whether anything did */
  settle(): boolean {
    if (this.#changed.size === 0) return false;
    const node: ChoosingNode = {
      name: this.#nodeName,
      ...(this.#zone === undefined ? {} : { zone: this.#zone }),
    };
    for (const key of this.#changed) {
      const service = this.#cluster.services.get(key);
      const slices = this.#cluster.slices.get(key) ?? [];
      const forwards = service === undefined ? [] : forwardsOf(service, slices, node);
      if (service === undefined || !hasTcpNodePort(service)) this.#byService.delete(key);
      else this.#byService.set(key, forwards);
    }
    this.#changed = new Set();
    return true;
  }

  /** By nodePort; of two Services with one nodePort, which no API server lets be, the first. */
  get forwards(): ReadonlyMap<number, Forward> {
    const byPort = new Map<number, Forward>();
    for (const forward of [...this.#byService.values()].flat()) {
      if (!byPort.has(forward.nodePort)) byPort.set(forward.nodePort, forward);
    }
    return byPort;
  }
}
