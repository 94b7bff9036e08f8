import type { LoadBalancerSettings } from '../config/loadBalancer/settings.ts';
import type { BalancedService } from '../model/balancedService.ts';

/** Whether a Service of type LoadBalancer is for us to serve. */
export function isOfOurClass(
  { loadBalancerClass }: Pick<BalancedService, 'loadBalancerClass'>,
  settings: Pick<LoadBalancerSettings, 'loadBalancerClass' | 'serveUnclassed'>,
): boolean {
  if (loadBalancerClass === undefined) return settings.serveUnclassed;
  return loadBalancerClass === settings.loadBalancerClass;
}
