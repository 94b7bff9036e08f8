import type { LoadBalancerSettings } from '../config/loadBalancer/settings.ts';
import type { BalancedService } from '../model/balancedService.ts';

type ClassSettings = Pick<LoadBalancerSettings, 'loadBalancerClass' | 'serveUnclassed'>;

/** Whether a Service of type LoadBalancer is for us to serve. */
export function isOfOurClass(
  { loadBalancerClass }: Pick<BalancedService, 'loadBalancerClass'>,
  settings: ClassSettings,
): boolean {
  if (loadBalancerClass === undefined) return settings.serveUnclassed;
  return loadBalancerClass === settings.loadBalancerClass;
}

/** Why it is not for us to serve; undefined: it is. */
export function classObstacle(
  service: Pick<BalancedService, 'loadBalancerClass'>,
  settings: ClassSettings,
): string | undefined {
  if (isOfOurClass(service, settings)) return undefined;
  const { loadBalancerClass } = service;
  return loadBalancerClass === undefined
    ? 'it has no loadBalancerClass, and serveUnclassed is false'
    : `its loadBalancerClass is ${loadBalancerClass}, ours is ${settings.loadBalancerClass}`;
}
