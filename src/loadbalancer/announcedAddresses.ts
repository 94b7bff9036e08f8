/** Which addresses are to be announced, by whom they were given to. */
import type { Pool } from '../config/loadBalancer/settings.ts';
import type { BalancedService } from '../model/balancedService.ts';
import type { EndpointSliceResource, ObjectKey } from '../model/resources.ts';
import { type Address, compareAddresses, familyOf } from '../net/address.ts';
import type { AnnouncedAddress, AnnouncedService } from './announcement.ts';
import { selectable } from './allocation/admission.ts';
import type { Decision } from './allocation/decision.ts';
import { endpointNodes } from './endpointNodes.ts';

/** By address; of each its Services by key. */
export function announcedAddresses(
  decisions: ReadonlyMap<ObjectKey, Decision>,
  slices: ReadonlyMap<ObjectKey, readonly EndpointSliceResource[]>,
  pools: readonly Pool[],
): readonly AnnouncedAddress[] {
  const poolsByName = new Map(pools.map((pool) => [pool.name, pool]));
  const found = new Map<Address, Mutable>();
  for (const [key, { service, addresses }] of decisions) {
    for (const { address, pool: poolName } of addresses) {
      const pool = poolName === undefined ? undefined : poolsByName.get(poolName);
      const announced = found.get(address) ?? { address, services: [], pool };
      announced.services.push(serviceAt(key, service, slices.get(key) ?? [], address));
      found.set(address, announced);
    }
  }
  return [...found.values()].sort((a, b) => compareAddresses(a.address, b.address));
}

type Mutable = AnnouncedAddress & { readonly services: AnnouncedService[] };

/** A Service as an election about one of its addresses sees it. */
export function serviceAt(
  key: ObjectKey,
  service: BalancedService,
  slices: readonly EndpointSliceResource[],
  address: Address,
): AnnouncedService {
  return {
    key,
    labels: selectable(service),
    isLocal: service.externalTrafficPolicy === 'Local',
    endpoints: endpointNodes(slices, familyOf(address)),
  };
}
