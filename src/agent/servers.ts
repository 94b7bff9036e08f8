/** The addresses that the configuration wants served: for health, and for metrics. */
import type { ResolvedConfig } from '../config/resolve.ts';
import type { ProxyHealth } from '../ops/health.ts';
import { HttpServer, type HttpServerOptions } from '../ops/httpServer.ts';
import type { Logger } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';
import { healthRoutes, metricsRoutes } from '../ops/routes.ts';
import { HEALTHZ_NOT_SERVED, METRICS_NOT_SERVED } from './conditions.ts';

export interface ServerParts extends Pick<HttpServerOptions, 'clock' | 'conditions'> {
  readonly log: Logger;
  readonly health: ProxyHealth;
  readonly metrics: Metrics;
}

interface Served extends Pick<HttpServerOptions, 'name' | 'routes' | 'notListening'> {
  readonly at: ResolvedConfig['healthAddress'];
}

export function openServers(config: ResolvedConfig, parts: ServerParts): readonly HttpServer[] {
  const { log, clock, conditions, health, metrics } = parts;
  // As kube-proxy fills in its default mode by then, so do we.
  const configz = () => ({ ...config.document, mode: 'ipvs' });
  const wanted: readonly Served[] = [
    {
      name: 'healthz',
      at: config.healthAddress,
      routes: healthRoutes(health, metrics),
      notListening: HEALTHZ_NOT_SERVED,
    },
    {
      name: 'metrics',
      at: config.metricsAddress,
      routes: metricsRoutes({ metrics, configz }),
      notListening: METRICS_NOT_SERVED,
    },
  ];
  const isHardFail = config.bindAddressHardFail;
  const onError = (message: string, error: unknown) => log.error(message, error);
  return wanted.flatMap(({ at, ...served }) => {
    if (at === undefined) return [];
    return [new HttpServer({ ...served, at, isHardFail, clock, conditions, onError })];
  });
}

/**
 * All have an end, with or without success, before any failure is told: what is half begun cannot
 * be closed.
 */
export async function startAll(servers: readonly Pick<HttpServer, 'start'>[]): Promise<void> {
  const starts = servers.map((server) => server.start());
  await Promise.allSettled(starts);
  await Promise.all(starts);
}
