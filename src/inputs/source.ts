/**
 * The configured source of Services, with what belongs to it: an API server brings Events and
 * request metrics along.
 */
import { EventRecorder } from '../cluster/events.ts';
import { ManifestSource } from '../cluster/manifests.ts';
import { NodeCount } from '../cluster/nodeCount.ts';
import type { RequestObserver } from '../cluster/requestObserver.ts';
import type { WatchObserver } from '../cluster/watchObserver.ts';
import { serviceUid } from '../cluster/serviceUid.ts';
import type { ClusterSource } from '../cluster/source.ts';
import type { ApiTransport } from '../cluster/transport.ts';
import type { SourceSettings } from '../config/resolve.ts';
import { type Need, NO_NEEDS } from '../model/kinds.ts';
import { type Address, parseAddress } from '../net/address.ts';
import type { Logger } from '../ops/log.ts';
import type { Clock } from '../time/clock.ts';
import { type ApiServerSettings, connectApiServer } from './apiServer.ts';
import type { Environment } from './configuration.ts';

export interface OpenedSource {
  readonly source: ClusterSource;
  /** absent without an API server */
  readonly events?: EventRecorder;
  /** how many Nodes there are, more or less; absent without an API server */
  readonly countNodes?: () => Promise<number>;
  /** absent without an API server */
  readonly api?: ApiTransport;
  /**
   * addresses of the API server that the configuration names itself; a pod's ClusterIP does not
   * count
   */
  readonly apiServerAddresses: readonly Address[];
  close(): Promise<void>;
}

export interface SourceContext {
  readonly nodeName: string;
  /** of the features that run */
  readonly needs?: ReadonlySet<Need>;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: Environment;
  readonly requests: RequestObserver;
  readonly watches?: WatchObserver;
}

/** @throws KubeconfigError when the configuration names no usable API server */
export function openSource(settings: SourceSettings, context: SourceContext): OpenedSource {
  if (settings.kind === 'manifests') {
    const source = new ManifestSource(settings.paths, context.needs);
    return { source, apiServerAddresses: [], close: () => source.stop() };
  }
  return openApiServer(settings, context);
}

function openApiServer(
  settings: ApiServerSettings,
  { nodeName, needs = NO_NEEDS, clock, log, ...context }: SourceContext,
): OpenedSource {
  const { source, client, isInPod } = connectApiServer(settings, {
    ...context,
    timing: clock,
    scope: { nodeName, needs },
    log: (message) => log.verbose(2, message),
  });
  const events = new EventRecorder({
    transport: client,
    timing: clock,
    random: Math.random,
    nodeName,
    log: (message) => log.verbose(1, message),
    uidOf: (subject, signal) => serviceUid(client, subject, signal),
  });
  const nodes = new NodeCount({ transport: client, timing: clock, random: Math.random });
  return {
    source,
    events,
    countNodes: () => nodes.current(),
    api: client,
    apiServerAddresses: isInPod ? [] : addressOf(client.server),
    close: async () => {
      await source.stop();
      nodes.close();
      await events.close();
      client.close();
    },
  };
}

/** A host name is left out: what it resolves to today says little about tomorrow. */
function addressOf(url: string): readonly Address[] {
  const { hostname } = new URL(url);
  const address = parseAddress(hostname.replace(/^\[|\]$/g, ''));
  return address === undefined ? [] : [address];
}
