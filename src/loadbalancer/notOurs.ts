/**
 * Services of type LoadBalancer that somebody else serves: what they were given, and why they are
 * not ours. For people alone, who look for an address here and are to hear whose it is.
 */
import type { LoadBalancerSettings } from '../config/loadBalancer/settings.ts';
import type { BalancedService, StatusIngress } from '../model/balancedService.ts';
import type { ObjectKey } from '../model/resources.ts';
import { isMarked } from './condition.ts';
import { classObstacle } from './ourClass.ts';

export interface NotOurs {
  readonly service: ObjectKey;
  /** status.loadBalancer.ingress */
  readonly ingress: readonly StatusIngress[];
  readonly why: string;
}

/** By Service. */
export function notOurs(
  services: ReadonlyMap<ObjectKey, { readonly balanced?: BalancedService }>,
  settings: LoadBalancerSettings,
): readonly NotOurs[] {
  const found: NotOurs[] = [];
  for (const [service, { balanced }] of services) {
    if (balanced?.type !== 'LoadBalancer') continue;
    const why = whyNotOurs(balanced, settings);
    if (why !== undefined) found.push({ service, ingress: balanced.ingress, why });
  }
  return found.sort((a, b) => (a.service < b.service ? -1 : 1));
}

function whyNotOurs(service: BalancedService, settings: LoadBalancerSettings): string | undefined {
  const obstacle = classObstacle(service, settings);
  if (obstacle !== undefined) return obstacle;
  const isTheirs = service.ingress.length > 0 && !isMarked(service);
  return isTheirs ? 'its status was written by somebody else' : undefined;
}

/** `198.51.100.0 (Proxy), lb.example, given by somebody else`. */
export function givenText(ingress: readonly StatusIngress[]): string {
  if (ingress.length === 0) return 'no address yet';
  const entries = ingress.map(({ ip, ipMode = 'VIP', hostname }) => {
    if (ip === undefined) return hostname ?? 'an entry without address';
    return ipMode === 'VIP' ? ip : `${ip} (${ipMode})`;
  });
  return `${entries.join(', ')}, given by somebody else`;
}
