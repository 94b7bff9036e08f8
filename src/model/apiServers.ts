/**
 * Where the API servers are, as they say themselves: the slice `default/kubernetes`, which they
 * keep up. Whoever may write slices can put others beside it under the same label; those do not
 * make an address the API server's.
 */
import type { Address } from '../net/address.ts';
import { parseSloppyAddress } from '../net/sloppy.ts';
import type { HostNetwork } from './host.ts';
import type { ClusterSnapshot } from './clusterStore.ts';
import type { EndpointSliceResource } from './resources.ts';

/** The key of that slice, and of its Service. */
export const API_SERVERS = 'default/kubernetes';

export function apiServersOf(slice: EndpointSliceResource | undefined): readonly Address[] {
  const found = (slice?.endpoints ?? []).map(({ address }) => parseSloppyAddress(address));
  return found.filter((address) => address !== undefined);
}

export function apiServersIn({ slices }: ClusterSnapshot): readonly Address[] {
  const ofServers = slices.get(API_SERVERS) ?? [];
  return apiServersOf(
    ofServers.find(({ namespace, name }) => `${namespace}/${name}` === API_SERVERS),
  );
}

/** The host with these addresses held back besides its own ones. */
export function withApiServers(host: HostNetwork, more: Iterable<Address>): HostNetwork {
  const all = new Set([...host.apiServerAddresses, ...more]);
  return { ...host, apiServerAddresses: [...all].toSorted() };
}
