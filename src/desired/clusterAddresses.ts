/**
 * Addresses that the cluster itself has given away: cluster IPs, and the endpoints that are Pods.
 * An externalIP must not take them from their owners (CVE-2020-8554). A load balancer address is
 * not up to users, and slices are written by some of them, so an endpoint does not take it away.
 */
import type { EndpointSliceResource, ObjectKey, ServiceResource } from '../model/resources.ts';
import { usableAddress } from '../model/usableAddress.ts';
import type { Address } from '../net/address.ts';
import { AddressIndex } from './addressIndex.ts';
import { type AddressOwner, shared, withheld } from './addressOwner.ts';
import type { OwnableKind } from './frontendKinds.ts';

const NONE: ReadonlySet<Address> = new Set();

/** An endpoint may be in several slices of a Service, so a slice is what owns it. */
interface SliceOwner {
  readonly service: ObjectKey;
}

export class ClusterAddresses {
  readonly #clusterIPs = new AddressIndex<ObjectKey>();
  readonly #pods = new AddressIndex<SliceOwner>();
  readonly #slices = new Map<ObjectKey, SliceOwner>();

  /** @returns addresses whose owner may differ now */
  setService(
    key: ObjectKey,
    before: ServiceResource | undefined,
    after: ServiceResource | undefined,
  ): readonly Address[] {
    if (before?.clusterIPs.join() === after?.clusterIPs.join()) return [];
    return this.#clusterIPs.replace(key, clusterIPsOf(before), clusterIPsOf(after));
  }

  /** @returns addresses whose owner may differ now */
  setSlice(
    key: ObjectKey,
    before: EndpointSliceResource | undefined,
    after: EndpointSliceResource | undefined,
  ): readonly Address[] {
    const changed = new Set<Address>();
    const present = this.#slices.get(key);
    if (present !== undefined && before !== undefined && before.service === after?.service) {
      return this.#pods.replace(present, podsOf(before), podsOf(after));
    }
    if (present !== undefined) {
      for (const address of this.#pods.replace(present, podsOf(before), NONE)) changed.add(address);
      this.#slices.delete(key);
    }
    if (after !== undefined) {
      const owner = { service: after.service };
      for (const address of this.#pods.replace(owner, NONE, podsOf(after))) changed.add(address);
      this.#slices.set(key, owner);
    }
    return [...changed];
  }

  clusterIPOwner(
    address: Address,
    kind: OwnableKind,
    service: ObjectKey,
  ): AddressOwner | undefined {
    if (kind !== 'externalIP') return undefined;
    const owner = firstBut(service, this.#clusterIPs.ownersOf(address));
    if (owner === undefined) return undefined;
    return {
      effect: 'withheld',
      problem: `is the cluster IP of Service ${owner}`,
      consequence: 'ClusterIPGuarded',
    };
  }

  endpointOwner(address: Address, kind: OwnableKind, service: ObjectKey): AddressOwner | undefined {
    if (kind === 'clusterIP') return undefined;
    const slices = this.#pods.ownersOf(address);
    const owner = firstBut(
      service,
      Array.from(slices, (slice) => slice.service),
    );
    if (owner === undefined) return undefined;
    const description = `an endpoint of Service ${owner}`;
    return kind === 'externalIP' ? withheld(description) : shared(description);
  }
}

function clusterIPsOf(service: ServiceResource | undefined): ReadonlySet<Address> {
  const addresses = new Set<Address>();
  for (const text of service?.clusterIPs ?? []) {
    const result = usableAddress(text);
    if ('address' in result) addresses.add(result.address);
  }
  return addresses;
}

/**
 * Only what is said to be on a node or to stand for something: a list written by hand may well
 * point at another Service's external address.
 */
function podsOf(slice: EndpointSliceResource | undefined): ReadonlySet<Address> {
  if (slice === undefined || slice.endpoints.length === 0) return NONE;
  const addresses = new Set<Address>();
  for (const { address: text, nodeName, target } of slice.endpoints) {
    if (nodeName === undefined && target === undefined) continue;
    const result = usableAddress(text);
    if ('address' in result) addresses.add(result.address);
  }
  return addresses;
}

function firstBut(service: ObjectKey, owners: Iterable<ObjectKey>): ObjectKey | undefined {
  return [...owners].filter((owner) => owner !== service).toSorted()[0];
}
