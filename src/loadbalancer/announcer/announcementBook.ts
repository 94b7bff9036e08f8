/**
 * Which addresses the cluster announces, kept up with its changes: those in the status of Services
 * that are ours, by our own mark. Costs what changed.
 */
import type { LoadBalancerSettings } from '../../config/loadBalancer/settings.ts';
import type { BalancedService } from '../../model/balancedService.ts';
import type { ClusterChange, ClusterSnapshot } from '../../model/clusterStore.ts';
import type { ObjectKey } from '../../model/resources.ts';
import type { Address } from '../../net/address.ts';
import { parseSloppyAddress } from '../../net/sloppy.ts';
import { Admission } from '../allocation/admission.ts';
import { PoolTable } from '../allocation/poolTable.ts';
import { serviceAt } from '../announcedAddresses.ts';
import { isMarked } from '../condition.ts';
import { isOfOurClass } from '../ourClass.ts';
import type { ToldAddress } from './messages.ts';

export interface AnnouncementChanges {
  readonly changed: readonly ToldAddress[];
  readonly gone: readonly Address[];
}

export class AnnouncementBook {
  readonly #settings: LoadBalancerSettings;
  readonly #cluster: ClusterSnapshot;
  readonly #table: PoolTable;
  readonly #addressesOf = new Map<ObjectKey, readonly Address[]>();
  readonly #servicesAt = new Map<Address, Set<ObjectKey>>();
  #changed = new Set<Address>();

  constructor(settings: LoadBalancerSettings, cluster: ClusterSnapshot) {
    this.#settings = settings;
    this.#cluster = cluster;
    this.#table = new PoolTable(settings.pools);
  }

  get addresses(): Iterable<Address> {
    return this.#servicesAt.keys();
  }

  has(address: Address): boolean {
    return this.#servicesAt.has(address);
  }

  /** by key */
  servicesAt(address: Address): readonly ObjectKey[] {
    return [...(this.#servicesAt.get(address) ?? [])].sort();
  }

  changed(change: ClusterChange): void {
    switch (change.kind) {
      case 'Service':
        return this.#serviceChanged(change.key, change.object?.balanced);
      case 'EndpointSlice':
        for (const slice of [change.before, change.object]) {
          if (slice !== undefined) this.#touch(this.#addressesOf.get(slice.service) ?? []);
        }
        return;
      case 'Namespace':
        // Its labels may let Services into a pool, whose entries count then.
        return this.#touch(this.#servicesAt.keys());
      case 'Node':
    }
  }

  /** What is otherwise since the last time. */
  take(): AnnouncementChanges {
    if (this.#changed.size === 0) return { changed: [], gone: [] };
    const admission = this.#admission();
    const changed: ToldAddress[] = [];
    const gone: Address[] = [];
    for (const address of this.#changed) {
      const keys = this.servicesAt(address);
      if (keys.length === 0) gone.push(address);
      else changed.push(this.#told(address, keys, admission));
    }
    this.#changed = new Set();
    return { changed, gone };
  }

  /** As of {@link AnnouncementBook.take}, of all that there are. */
  all(): readonly ToldAddress[] {
    const admission = this.#admission();
    return Array.from(this.#servicesAt.keys(), (address) =>
      this.#told(address, this.servicesAt(address), admission),
    );
  }

  #serviceChanged(key: ObjectKey, service: BalancedService | undefined): void {
    const before = this.#addressesOf.get(key) ?? [];
    const now = service === undefined ? [] : announcedOf(service, this.#settings);
    this.#touch(before);
    this.#touch(now);
    for (const address of before) {
      const keys = this.#servicesAt.get(address);
      keys?.delete(key);
      if (keys?.size === 0) this.#servicesAt.delete(address);
    }
    for (const address of now) {
      const keys = this.#servicesAt.get(address) ?? new Set();
      this.#servicesAt.set(address, keys.add(key));
    }
    if (now.length === 0) this.#addressesOf.delete(key);
    else this.#addressesOf.set(key, now);
  }

  #touch(addresses: Iterable<Address>): void {
    for (const address of addresses) this.#changed.add(address);
  }

  #told(address: Address, keys: readonly ObjectKey[], admission: Admission): ToldAddress {
    const { services, slices } = this.#cluster;
    const balanced = keys.flatMap((key) => {
      const service = services.get(key)?.balanced;
      return service === undefined ? [] : [{ key, service }];
    });
    const pool = this.#table.locate(address).place?.pool;
    const isAdmitted =
      pool !== undefined && balanced.some(({ service }) => admission.admits(pool, service));
    return {
      address,
      services: balanced.map(({ key, service }) =>
        serviceAt(key, service, slices.get(key) ?? [], address),
      ),
      pool: isAdmitted ? pool.name : undefined,
    };
  }

  #admission(): Admission {
    const namespaces = this.#cluster.objects('Namespace');
    const labels = new Map([...namespaces].map(([name, each]) => [name, each.labels]));
    return new Admission(this.#table, this.#settings.allocation, labels);
  }
}

/** An address that a proxy in front of the node has is not announced (KEP-1860). */
function announcedOf(service: BalancedService, settings: LoadBalancerSettings): readonly Address[] {
  if (service.type !== 'LoadBalancer' || !isOfOurClass(service, settings)) return [];
  if (!isMarked(service)) return [];
  const found = new Set<Address>();
  for (const { ip, ipMode = 'VIP' } of service.ingress) {
    const address = ip === undefined || ipMode !== 'VIP' ? undefined : parseSloppyAddress(ip);
    if (address !== undefined) found.add(address);
  }
  return [...found];
}
