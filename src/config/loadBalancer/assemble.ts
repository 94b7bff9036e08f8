/**
 * The settings of the load balancer, made of all documents that have to do with it: our own, which
 * may be missing, and pools of MetalLB and Cilium. What is wrong refuses the whole; a remark is
 * told, and the rest works.
 */
import * as v from 'valibot';
import type { Problem } from '../../model/problem.ts';
import { type Placed, problemAt } from '../placed.ts';
import { type DraftPool, overlaps, repeatedNames } from './draftPool.ts';
import {
  DEFAULT_SECRET_FILE,
  type LoadBalancerConfiguration,
  loadBalancerConfiguration,
} from './ownSchema.ts';
import type { Announcement, AnnouncerSettings, LoadBalancerSettings, Pool } from './settings.ts';

export interface LoadBalancerDocuments {
  readonly own: Placed<LoadBalancerConfiguration> | undefined;
}

export interface AssembledLoadBalancer {
  /** absent where no document is about it */
  readonly settings?: LoadBalancerSettings;
  /** with any of them the settings are not to be used */
  readonly problems: readonly Problem[];
  readonly remarks: readonly Problem[];
}

export function assembleLoadBalancer(documents: LoadBalancerDocuments): AssembledLoadBalancer {
  const { own } = documents;
  if (own === undefined) return { problems: [], remarks: [] };
  const configuration = own?.value ?? v.parse(loadBalancerConfiguration, {});
  const pools = own === undefined ? [] : ownPools(own);
  return {
    settings: settingsOf(configuration, pools),
    problems: [
      ...(own === undefined ? [] : missingSecret(own)),
      ...repeatedNames(pools),
      ...overlaps(pools),
    ],
    remarks: own === undefined ? [] : emptyRestrictions(own),
  };
}

function settingsOf(
  { loadBalancerClass, serveUnclassed, allocation, announcer }: LoadBalancerConfiguration,
  pools: readonly DraftPool[],
): LoadBalancerSettings {
  return {
    loadBalancerClass,
    serveUnclassed,
    pools: pools.map(({ pool }) => pool),
    allocation,
    announcer: announcerOf(announcer),
  };
}

function announcerOf({
  refreshInterval,
  holdDown,
  heartbeat: { port, interval, misses, secretFile, insecure },
  interfaces,
  ...rest
}: LoadBalancerConfiguration['announcer']): AnnouncerSettings {
  const isGiven = secretFile !== undefined && secretFile !== null && secretFile !== '';
  const signedWith = isGiven ? secretFile : insecure ? undefined : DEFAULT_SECRET_FILE;
  return {
    ...rest,
    interfaces: interfaces.length === 0 ? ['*'] : interfaces,
    refreshIntervalMs: refreshInterval,
    holdDownMs: holdDown,
    heartbeat: { port, intervalMs: interval, misses, secretFile: signedWith },
  };
}

const EVERYWHERE: Announcement = {
  nodeSelectors: [],
  serviceSelectors: [],
  interfaces: [],
  preferredNodes: [],
};

function ownPools(document: Placed<LoadBalancerConfiguration>): readonly DraftPool[] {
  return document.value.pools.map(({ addresses, announce, ...rest }, i) => ({
    pool: {
      ...rest,
      ranges: addresses,
      priority: rest.priority ?? undefined,
      namespaces: rest.namespaces ?? undefined,
      namespaceSelectors: rest.namespaceSelectors ?? undefined,
      serviceSelectors: rest.serviceSelectors ?? undefined,
      announce: announce ?? [EVERYWHERE],
    } satisfies Pool,
    document,
    nameField: `pools[${i}].name`,
    rangeFields: addresses.map((_, at) => `pools[${i}].addresses[${at}]`),
  }));
}

/** An absent one is the default; a file that does not exist is seen by who reads it. */
function missingSecret(document: Placed<LoadBalancerConfiguration>): readonly Problem[] {
  const { secretFile, insecure } = document.value.announcer.heartbeat;
  if (insecure || (secretFile !== '' && secretFile !== null)) return [];
  const problem =
    'is empty: name the file with the key, or say insecure: true, and whoever is on the network can take addresses over';
  return [problemAt(document, 'announcer.heartbeat.secretFile', { value: secretFile, problem })];
}

function emptyRestrictions(document: Placed<LoadBalancerConfiguration>): readonly Problem[] {
  return document.value.pools.flatMap(({ namespaces, namespaceSelectors, serviceSelectors }, i) => {
    const ofNamespaces = [namespaces, namespaceSelectors].filter((list) => list?.length);
    const empty = [
      namespaces?.length === 0 && ofNamespaces.length === 0 && 'namespaces',
      namespaceSelectors?.length === 0 && ofNamespaces.length === 0 && 'namespaceSelectors',
      serviceSelectors?.length === 0 && 'serviceSelectors',
    ].filter((field) => field !== false);
    return empty.map((field) =>
      problemAt(document, `pools[${i}].${field}`, {
        value: [],
        problem: 'is empty, so the pool admits nobody; leave it out to admit everybody',
      }),
    );
  });
}
