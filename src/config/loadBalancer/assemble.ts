/**
 * The settings of the load balancer, made of all documents that have to do with it: our own, which
 * may be missing, and pools of MetalLB and Cilium. What is wrong refuses the whole; a remark is
 * told, and the rest works.
 */
import * as v from 'valibot';
import type { Problem } from '../../model/problem.ts';
import { type Placed, problemAt } from '../placed.ts';
import { type CiliumPolicy, type CiliumPool, poolsOfCilium } from './cilium.ts';
import { type DraftPool, overlaps, repeatedNames } from './draftPool.ts';
import { announcementOf, compareTexts } from './foreignObjects.ts';
import { type IpAddressPool, type L2Advertisement, poolsOfMetallb } from './metallb.ts';
import {
  DEFAULT_SECRET_FILE,
  type LoadBalancerConfiguration,
  loadBalancerConfiguration,
} from './ownSchema.ts';
import type { AnnouncerSettings, LoadBalancerSettings, Pool } from './settings.ts';

/** By section; absent: none. */
export interface LoadBalancerDocuments {
  /** at most one */
  readonly loadBalancer?: readonly Placed<LoadBalancerConfiguration>[];
  readonly metallbPools?: readonly Placed<IpAddressPool>[];
  readonly metallbAdvertisements?: readonly Placed<L2Advertisement>[];
  readonly ciliumPools?: readonly Placed<CiliumPool>[];
  readonly ciliumPolicies?: readonly Placed<CiliumPolicy>[];
  /** objects of kinds that there is nothing like here */
  readonly notCarried?: readonly Placed<unknown>[];
}

export interface AssembledLoadBalancer {
  /** absent where no document has settings or pools */
  readonly settings?: LoadBalancerSettings;
  /** with any of them the settings are not to be used */
  readonly problems: readonly Problem[];
  readonly remarks: readonly Problem[];
}

export function assembleLoadBalancer(documents: LoadBalancerDocuments): AssembledLoadBalancer {
  const { loadBalancer: [own] = [], metallbPools = [], ciliumPools = [] } = documents;
  const metallb = poolsOfMetallb(metallbPools, documents.metallbAdvertisements ?? []);
  const cilium = poolsOfCilium(ciliumPools, documents.ciliumPolicies ?? []);
  const foreign = [...metallb.pools, ...cilium.pools].toSorted((a, b) =>
    compareTexts(a.pool.name, b.pool.name),
  );
  const pools = [...(own === undefined ? [] : ownPools(own)), ...foreign];
  const isAsked = own !== undefined || pools.length > 0;
  const configuration = own?.value ?? v.parse(loadBalancerConfiguration, {});
  return {
    ...(isAsked ? { settings: settingsOf(configuration, pools) } : {}),
    problems: [
      ...(own === undefined ? [] : missingSecret(own)),
      ...repeatedNames(pools),
      ...overlaps(pools),
    ],
    remarks: [
      ...(own === undefined ? [] : emptyRestrictions(own)),
      ...metallb.remarks,
      ...cilium.remarks,
      ...(documents.notCarried ?? []).map(notCarried),
    ],
  };
}

/** Of a document with nothing in it. */
export function defaultLoadBalancer(): LoadBalancerSettings {
  return settingsOf(v.parse(loadBalancerConfiguration, {}), []);
}

function notCarried(object: Placed<unknown>): Problem {
  const problem = 'is not carried: addresses are announced by ARP and Neighbor Discovery alone';
  return problemAt(object, '', { problem });
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

function ownPools(document: Placed<LoadBalancerConfiguration>): readonly DraftPool[] {
  return document.value.pools.map(({ addresses, announce, ...rest }, i) => ({
    pool: {
      ...rest,
      ranges: addresses,
      priority: rest.priority ?? undefined,
      namespaces: rest.namespaces ?? undefined,
      namespaceSelectors: rest.namespaceSelectors ?? undefined,
      serviceSelectors: rest.serviceSelectors ?? undefined,
      announce: announce ?? [announcementOf({})],
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
