/**
 * The addresses that the configuration wants served: for health, and for metrics. As kube-proxy's
 * they open once this Node has been read, and so its address and its place in the cluster are
 * known: who only looks whether a port is open takes a node for dead that cannot reach its API
 * server, or is not allowed to.
 */
import type { ResolvedConfig } from '../config/resolve.ts';
import type { Conditions } from '../ops/conditions.ts';
import type { ProxyHealth } from '../ops/health.ts';
import { HttpServer, type HttpServerOptions } from '../ops/httpServer.ts';
import type { Logger } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';
import { debugFlagRoutes } from '../ops/debugFlags.ts';
import type { Routes } from '../ops/httpListener.ts';
import { profileRoutes } from '../ops/profiling/profileRoutes.ts';
import { anyOf, healthRoutes, metricsRoutes } from '../ops/routes.ts';
import type { Verbosity } from '../ops/verbosity.ts';
import { zpageRoutes } from '../ops/zpages.ts';
import type { Clock } from '../time/clock.ts';
import { HEALTHZ_NOT_SERVED, METRICS_NOT_SERVED } from './conditions.ts';

export interface ServerParts {
  readonly conditions: Conditions;
  readonly clock: Pick<Clock, 'sleep' | 'monotonicMs' | 'wallMs'>;
  readonly log: Logger;
  readonly health: ProxyHealth;
  readonly metrics: Metrics;
  readonly version: string;
  readonly verbosity: Verbosity;
  /** see {@link zpageRoutes} */
  readonly flags: ReadonlyMap<string, string>;
}

interface Served extends Pick<HttpServerOptions, 'name' | 'routes' | 'notListening'> {
  readonly at: ResolvedConfig['healthAddress'];
}

export class ProxyServers {
  readonly #servers: readonly HttpServer[];
  #opening: Promise<void> | undefined;
  #isClosed = false;

  constructor(config: ResolvedConfig, parts: ServerParts) {
    this.#servers = openServers(config, parts);
  }

  /** Resolves when each has made its first attempt. @throws ListenError */
  async open(): Promise<void> {
    if (this.#isClosed) return;
    this.#opening ??= startAll(this.#servers);
    await this.#opening;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(() => undefined);
    await Promise.all(this.#servers.map((each) => each.close()));
  }
}

export function openServers(config: ResolvedConfig, parts: ServerParts): readonly HttpServer[] {
  const { log, clock, conditions, health, metrics } = parts;
  // As kube-proxy fills in its default mode by then, so do we.
  const configz = () => ({ ...config.document, mode: 'ipvs' });
  const wanted: readonly Served[] = [
    {
      name: 'healthz',
      at: config.healthAddress,
      routes: healthRoutes(health, metrics, () => conditions.present),
      notListening: HEALTHZ_NOT_SERVED,
    },
    {
      name: 'metrics',
      at: config.metricsAddress,
      routes: anyOf([metricsRoutes({ metrics, configz }), ...debugging(config, parts)]),
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

/** What tells of the process itself; with `--profiling` also what looks into it. */
function debugging({ isProfiling }: ResolvedConfig, parts: ServerParts): readonly Routes[] {
  const { clock, log, version, verbosity, flags } = parts;
  const startedAtMs = performance.timeOrigin;
  const wallMs = () => clock.wallMs();
  const always = [zpageRoutes({ version, flags, startedAtMs, wallMs })];
  if (!isProfiling) return always;
  return [...always, debugFlagRoutes({ verbosity, log }), profileRoutes({ wallMs })];
}

/**
 * All have an end, with or without success, before any failure is told: what is half begun cannot
 * be closed.
 */
export async function startAll(servers: readonly HttpServer[]): Promise<void> {
  const starts = servers.map((server) => server.start());
  await Promise.allSettled(starts);
  await Promise.all(starts);
}
