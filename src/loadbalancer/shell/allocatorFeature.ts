/**
 * Giving out load balancer addresses as a feature: of all proxies of the cluster the one that holds
 * a Lease does it. It is stood for only when everything that is decided by has been listed.
 */
import { randomUUID } from 'node:crypto';
import { LEASE_RIGHTS, LeaseElector, RETRY_MS } from '../../cluster/leaseElector.ts';
import type { ApiError } from '../../cluster/apiError.ts';
import type { LoadBalancerSettings } from '../../config/loadBalancer/settings.ts';
import { type Feature, type FeatureHost, FeatureStartError } from '../../feature/feature.ts';
import { aborted } from '../../time/aborted.ts';
import { readsNamespaces } from '../needs.ts';
import { foreignOwnersOf } from '../foreignOwners.ts';
import { Allocator } from './allocator.ts';
import { AllocatorMetrics } from './allocatorMetrics.ts';
import { ALLOCATOR_NOT_ELECTED } from './conditions.ts';
import { ownNamespace } from './ownNamespace.ts';

export const LEASE = 'kube-ipvs-lb';

const { resource, verbsOfAll, verbs } = LEASE_RIGHTS;
const RIGHTS = `${verbsOfAll.join(', ')} of ${resource}, and ${verbs.join(' and ')} of ${LEASE}`;

/** Forty looks a second are nothing to an API server. */
const LOOKS_APART_MS = 25;
const SELDOMEST_LOOK_MS = 30_000;

/** For patches that are on their way at the end; the Lease is let go of after it. */
const LAST_ANSWERS_MS = 300;

export interface AllocatorSurroundings {
  readonly namespace: () => Promise<string>;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

/** @param around this process by default; another one in tests */
export function loadBalancerAllocator(
  settings: LoadBalancerSettings,
  around: Partial<AllocatorSurroundings> = {},
): Feature {
  const { namespace: inNamespace = ownNamespace, random = Math.random } = around;
  return {
    name: 'load-balancer-allocator',
    start: async (host) => {
      const { api } = host;
      if (api === undefined)
        throw new FeatureStartError('addresses are given out by way of an API server only');
      const metrics = new AllocatorMetrics(host.metrics);
      const foreignOwners = foreignOwnersOf(settings);
      const isLeader = () => elector.isLeader;
      const namespace = await inNamespace();
      const allocator = new Allocator({
        ...host,
        api,
        settings,
        foreignOwners,
        metrics,
        isLeader,
        random,
      });
      const elector: LeaseElector = new LeaseElector({
        transport: api,
        timing: host.clock,
        namespace,
        name: LEASE,
        identity: `${host.nodeName}_${randomUUID()}`,
        random,
        lookMs: () => lookMs(host.cluster.nodes.size),
        onChange: (isOurs) => allocator.lead(isOurs),
        onFailure: (error) => tellElection(host, namespace, error),
      });
      const ending = new AbortController();
      host.run(async () => {
        await Promise.race([listed(host, settings), aborted(ending.signal)]);
        await elector.run(ending.signal);
      });
      return {
        changed: (change) => allocator.changed(change),
        stop: async () => {
          const late = host.clock.sleep(LAST_ANSWERS_MS, ending.signal).catch(() => undefined);
          await Promise.race([allocator.finish(), late]);
          ending.abort();
          allocator.close();
        },
      };
    },
  };
}

/**
 * All that stand for it look once in this time, whatever their number. One of many looks soon after
 * it is let go of, so that it is free no longer in a large cluster than in a small one.
 */
function lookMs(nodes: number): number {
  return Math.min(SELDOMEST_LOOK_MS, Math.max(RETRY_MS, nodes * LOOKS_APART_MS));
}

async function listed(host: FeatureHost, settings: LoadBalancerSettings): Promise<void> {
  await host.synced;
  if (readsNamespaces(settings)) await host.listed('Namespace');
}

function tellElection(
  { conditions }: Pick<FeatureHost, 'conditions'>,
  namespace: string,
  error: ApiError | undefined,
): void {
  const subject = `${namespace}/${LEASE}`;
  if (error === undefined) {
    conditions.clear(ALLOCATOR_NOT_ELECTED, subject);
    return;
  }
  const cure =
    error.status === 403 ? `; a Role in namespace ${namespace} has to allow ${RIGHTS}` : '';
  const message = `the Lease ${subject} of who gives out load balancer addresses can be neither read nor written: ${error.message}${cure}`;
  conditions.set(ALLOCATOR_NOT_ELECTED, subject, { message, reason: error.message });
}
