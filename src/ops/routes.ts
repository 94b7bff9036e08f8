/** What the health and the metrics server answer, path by path, as kube-proxy does. */
import type { Condition } from './conditions.ts';
import type { HealthPath, ProxyHealth } from './health.ts';
import { verboseText } from './healthText.ts';
import type { HttpAnswer, Route, Routes } from './httpListener.ts';
import type { Metrics } from './metrics.ts';
import { SliMetrics } from './sliMetrics.ts';

const TEXT = 'text/plain; charset=utf-8';

/**
 * For `healthzBindAddress`. Answers of kube-proxy's two paths are counted in
 * `kubeproxy_proxy_{healthz,livez}_total`.
 *
 * @param present what stands now, which `?verbose` lists
 */
export function healthRoutes(
  health: ProxyHealth,
  metrics: Metrics,
  present: () => readonly Condition[],
): Routes {
  const answer = (path: HealthPath, isVerbose: boolean): HttpAnswer => {
    const { isHealthy, body } = health[path]();
    const status = isHealthy ? 200 : 503;
    if (path !== 'readyz') metrics.countProbe(path, status);
    if (!isVerbose) return { status, contentType: 'application/json', body };
    return { status, contentType: TEXT, body: verboseText(path, health, present()) };
  };
  const route = (path: HealthPath): [string, Route] => [
    `/${path}`,
    ({ query }) => answer(path, query.has('verbose')),
  ];
  return new Map([route('healthz'), route('livez'), route('readyz')]);
}

export interface MetricsRouteOptions {
  readonly metrics: Metrics;
  /** the resolved configuration, as `/configz` shows it; must be plain JSON */
  readonly configz: () => unknown;
}

/** For `metricsBindAddress`. */
export function metricsRoutes({ metrics, configz }: MetricsRouteOptions): Routes {
  const text = (body: string): HttpAnswer => ({ status: 200, contentType: TEXT, body });
  const slis = new SliMetrics();
  return new Map<string, () => HttpAnswer | Promise<HttpAnswer>>([
    [
      '/healthz',
      () => {
        slis.pinged();
        return text('ok');
      },
    ],
    ['/proxyMode', () => text('ipvs')],
    [
      '/metrics',
      async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.render() }),
    ],
    [
      '/metrics/slis',
      async () => ({ status: 200, contentType: slis.contentType, body: await slis.render() }),
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
