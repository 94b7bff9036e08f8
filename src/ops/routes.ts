/** What the health and the metrics server answer, path by path, as kube-proxy does. */
import type { ProxyHealth } from './health.ts';
import type { HttpAnswer, Routes } from './httpListener.ts';
import type { Metrics } from './metrics.ts';

const TEXT = 'text/plain; charset=utf-8';

/** For `healthzBindAddress`. Every answer is counted in `kubeproxy_proxy_{healthz,livez}_total`. */
export function healthRoutes(health: ProxyHealth, metrics: Metrics): Routes {
  const answer = (path: 'healthz' | 'livez'): HttpAnswer => {
    const { isHealthy, body } = health[path]();
    const status = isHealthy ? 200 : 503;
    metrics.countProbe(path, status);
    return { status, contentType: 'application/json', body };
  };
  return new Map([
    ['/healthz', () => answer('healthz')],
    ['/livez', () => answer('livez')],
  ]);
}

export interface MetricsRouteOptions {
  readonly metrics: Metrics;
  /** the resolved configuration, as `/configz` shows it; must be plain JSON */
  readonly configz: () => unknown;
}

/** For `metricsBindAddress`. */
export function metricsRoutes({ metrics, configz }: MetricsRouteOptions): Routes {
  const text = (body: string): HttpAnswer => ({ status: 200, contentType: TEXT, body });
  return new Map<string, () => HttpAnswer | Promise<HttpAnswer>>([
    ['/healthz', () => text('ok')],
    ['/proxyMode', () => text('ipvs')],
    [
      '/metrics',
      async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.render() }),
    ],
    [
      '/configz',
      () => ({
        status: 200,
        contentType: 'application/json',
        body: JSON.stringify({ 'kubeproxy.config.k8s.io': configz() }),
      }),
    ],
  ]);
}

/** Several as one: the first that knows a path answers. */
export function anyOf(all: readonly Routes[]): Routes {
  return {
    get: (path) => {
      for (const routes of all) {
        const route = routes.get(path);
        if (route !== undefined) return route;
      }
      return undefined;
    },
  };
}
