/**
 * The features, and which configuration asks for which: the one place that knows them. One that is
 * not asked for costs nothing, its modules are not even loaded.
 */
import { loopbackAddresses } from '../config/nodePortAddresses.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import type { Feature } from '../feature/feature.ts';
import { allocatorNeeds, announcerNeeds } from '../loadbalancer/needs.ts';
import type { Need } from '../model/kinds.ts';

export interface FeatureRow {
  /** the feature's own */
  readonly name: string;
  /** @returns nothing where the configuration does not ask for it */
  readonly asked: (config: ResolvedConfig) => AskedFor | undefined;
}

export interface AskedFor {
  /** with what the configuration says of it */
  readonly load: () => Promise<Feature>;
  /** what it wants to read of the cluster besides what every proxy does */
  readonly needs?: readonly Need[];
}

export interface AskedFeature extends AskedFor {
  readonly name: string;
}

export const FEATURES: readonly FeatureRow[] = [
  {
    name: 'api-server-addresses',
    asked: () => ({
      load: async () => (await import('../apiservers/shell/feature.ts')).apiServerAddresses(),
    }),
  },
  {
    name: 'conntrack-sweep',
    asked: () => ({
      load: async () => (await import('../conntrack/shell/feature.ts')).conntrackSweep(),
    }),
  },
  {
    name: 'health-check-node-ports',
    asked: ({ dataplane: { nodePortAddresses } }) => ({
      load: async () => {
        const { healthPorts } = await import('../healthports/shell/feature.ts');
        return healthPorts(nodePortAddresses);
      },
    }),
  },
  {
    name: 'load-balancer-allocator',
    asked: ({ features: { loadBalancer }, mayAllocate, source }) => {
      // Without an API server there is no status to be written.
      if (loadBalancer === undefined || !mayAllocate || source.kind !== 'apiServer')
        return undefined;
      const load = async () => {
        const { loadBalancerAllocator } = await import('../loadbalancer/shell/allocatorFeature.ts');
        return loadBalancerAllocator(loadBalancer);
      };
      return { load, needs: allocatorNeeds(loadBalancer) };
    },
  },
  {
    name: 'load-balancer-announcer',
    asked: ({ features: { loadBalancer } }) =>
      loadBalancer?.announcer.enabled
        ? {
            load: async () =>
              (await import('../loadbalancer/shell/announcerFeature.ts')).loadBalancerAnnouncer(
                loadBalancer,
              ),
            needs: announcerNeeds(loadBalancer),
          }
        : undefined,
  },
  {
    name: 'localhost-node-ports',
    asked: ({ dataplane }) => {
      const addresses = loopbackAddresses(dataplane.nodePortAddresses);
      if (addresses.length === 0) return undefined;
      const load = async () => {
        const { localhostNodePorts } = await import('../localhostports/shell/feature.ts');
        return localhostNodePorts(addresses);
      };
      return { load };
    },
  },
  {
    name: 'local-server',
    asked: () => ({
      load: async () => (await import('../localserver/shell/feature.ts')).localServer(),
    }),
  },
  {
    name: 'other-modes-cleanup',
    asked: ({ cleansOtherModes }) =>
      cleansOtherModes
        ? {
            load: async () => (await import('../cleanup/shell/feature.ts')).otherModesCleanup(),
          }
        : undefined,
  },
  {
    name: 'rival-watch',
    asked: (config) => ({
      load: async () => (await import('./rivalWatch.ts')).rivalWatch(config),
    }),
  },
];

export function askedFeatures(
  rows: readonly FeatureRow[],
  config: ResolvedConfig,
): readonly AskedFeature[] {
  return rows.flatMap(({ name, asked }) => {
    const found = asked(config);
    return found === undefined ? [] : [{ name, ...found }];
  });
}

/** For the source, which is opened before any feature is loaded. */
export function needsOf(features: readonly AskedFeature[]): ReadonlySet<Need> {
  return new Set(features.flatMap(({ needs = [] }) => needs));
}
