/**
 * The configured API server as a source of Services, with the client that stands behind it: the
 * same for `run` and for commands.
 */
import { ApiServerSource } from '../cluster/apiServerSource.ts';
import { ApiClient } from '../cluster/client.ts';
import { loadClusterAccess } from '../cluster/kubeconfig.ts';
import type { RequestObserver } from '../cluster/requestObserver.ts';
import type { WatchObserver } from '../cluster/watchObserver.ts';
import type { SourceSettings } from '../config/resolve.ts';
import type { ReadingScope } from '../model/kinds.ts';
import type { Clock } from '../time/clock.ts';
import type { Environment } from './configuration.ts';

export type ApiServerSettings = Extract<SourceSettings, { kind: 'apiServer' }>;

export interface ApiServerContext {
  /** ours, for the server's audit */
  readonly version: string;
  readonly env: Environment;
  readonly timing: Clock;
  readonly scope: ReadingScope;
  readonly requests?: RequestObserver;
  readonly watches?: WatchObserver;
  /** one line of what only someone who looks closely wants to know */
  readonly log?: (message: string) => void;
}

export interface ApiServer {
  readonly source: ApiServerSource;
  readonly client: ApiClient;
  /**
   * It was found by what a pod is told, and so is reached by a ClusterIP, which has to be bound.
   */
  readonly isInPod: boolean;
}

/** @throws KubeconfigError when the configuration names no usable API server */
export function connectApiServer(
  { kubeconfig, master, qps, burst }: ApiServerSettings,
  { version, env, timing, scope, requests, watches, log }: ApiServerContext,
): ApiServer {
  const access = loadClusterAccess({ kubeconfig, master, env });
  const userAgent = `kube-ipvs/${version}`;
  const told = requests === undefined ? {} : { observer: requests };
  const client = new ApiClient({ access, userAgent, qps, burst, timing, ...told });
  const { server } = client;
  const source = new ApiServerSource({
    transport: client,
    server,
    timing,
    scope,
    random: Math.random,
    ...(watches === undefined ? {} : { observer: watches }),
    ...(log === undefined ? {} : { log }),
  });
  return { source, client, isInPod: kubeconfig === '' && master === '' };
}
