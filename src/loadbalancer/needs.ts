/** What the load balancer has to know of the cluster besides what every proxy reads. */
import type { LoadBalancerSettings } from '../config/loadBalancer/settings.ts';
import type { Need } from '../model/kinds.ts';

/** A Service that has become a mere name may still bear our condition. */
const SERVICES: readonly Need[] = ['LoadBalancing', 'ExternalNames'];

export function allocatorNeeds(settings: LoadBalancerSettings): readonly Need[] {
  return readsNamespaces(settings) ? [...SERVICES, 'Namespace'] : SERVICES;
}

export function announcerNeeds(settings: LoadBalancerSettings): readonly Need[] {
  return readsNamespaces(settings) ? ['LoadBalancing', 'Namespace'] : ['LoadBalancing'];
}

/** Their labels decide who may use a pool. */
export function readsNamespaces({ pools }: LoadBalancerSettings): boolean {
  return pools.some(({ namespaceSelectors }) => namespaceSelectors !== undefined);
}
