/** What an allocation goes by, put together from the objects of a cluster. */
import type { LoadBalancerSettings } from '../config/loadBalancer/settings.ts';
import type { BalancedService } from '../model/balancedService.ts';
import type { ClusterSnapshot } from '../model/clusterStore.ts';
import type { Address } from '../net/address.ts';
import type { AllocationInput } from './allocation/ground.ts';

/** @param services all there are, of any type */
export function allocationInput(
  settings: LoadBalancerSettings,
  services: Iterable<BalancedService>,
  cluster: Pick<ClusterSnapshot, 'objects' | 'nodes'>,
  foreignOwners: ReadonlyMap<Address, string>,
): AllocationInput {
  const namespaces = [...cluster.objects('Namespace').values()];
  const nodes = [...cluster.nodes.values()];
  return {
    settings,
    services,
    namespaces: new Map(namespaces.map(({ name, labels }) => [name, labels])),
    nodes: new Map(
      nodes.flatMap(({ name, addresses }) => addresses.map((address) => [address, name] as const)),
    ),
    foreignOwners,
  };
}
