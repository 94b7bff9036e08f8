/**
 * The one table of documents that `--features` may hold: a feature that is configured adds a row.
 * Which one is not there is off. How documents are read is features.ts.
 */
import * as v from 'valibot';
import { flag } from './fieldTypes.ts';
import { ciliumPolicy, ciliumPool } from './loadBalancer/cilium.ts';
import { ipAddressPool, l2Advertisement } from './loadBalancer/metallb.ts';
import { loadBalancerConfiguration } from './loadBalancer/ownSchema.ts';
import type { LoadBalancerSettings } from './loadBalancer/settings.ts';
import type { Placed } from './placed.ts';

export const API_VERSION = 'kube-ipvs.io/v1alpha1';

export interface DocumentKind {
  /** `kube-ipvs.io/v1alpha1`, or somebody else's */
  readonly apiVersion: string;
  readonly kind: string;
  /** where it is found among those that were decoded; kinds that are read alike may share one */
  readonly section: string;
  /**
   * of what stands beside apiVersion and kind; made of `v.object`, so that what it does not name is
   * found, except below `v.looseObject`
   */
  readonly schema: v.GenericSchema;
  /** objects, of which there may be any number; of others there is at most one */
  readonly isMany?: true;
  /** taken so that it can be told that nothing is made of it */
  readonly isUnused?: true;
}

const METALLB = 'metallb.io/v1beta1';
const CILIUM = 'cilium.io/v2';
const CILIUM_BEFORE = 'cilium.io/v2alpha1';

const objects = <const Section extends string, const Schema extends v.GenericSchema>(
  [apiVersion, kind]: readonly [apiVersion: string, kind: string],
  section: Section,
  schema: Schema,
) => ({ apiVersion, kind, section, schema, isMany: true }) as const;

const unused = (apiVersion: string, kind: string) =>
  ({ ...objects([apiVersion, kind], 'notCarried', v.looseObject({})), isUnused: true }) as const;

export const DOCUMENT_KINDS = [
  {
    apiVersion: API_VERSION,
    kind: 'FeaturesConfiguration',
    section: 'settings',
    schema: v.object({
      /** start although another Service proxy runs on this node */
      takeover: flag(),
      /** remove what kube-proxy's other modes have left on this node */
      cleanupOtherModes: flag(),
    }),
  },
  {
    apiVersion: API_VERSION,
    kind: 'LoadBalancerConfiguration',
    section: 'loadBalancer',
    schema: loadBalancerConfiguration,
  },
  objects([METALLB, 'IPAddressPool'], 'metallbPools', ipAddressPool),
  objects([METALLB, 'L2Advertisement'], 'metallbAdvertisements', l2Advertisement),
  objects([CILIUM, 'CiliumLoadBalancerIPPool'], 'ciliumPools', ciliumPool),
  objects([CILIUM_BEFORE, 'CiliumLoadBalancerIPPool'], 'ciliumPools', ciliumPool),
  objects([CILIUM_BEFORE, 'CiliumL2AnnouncementPolicy'], 'ciliumPolicies', ciliumPolicy),
  unused(METALLB, 'BGPAdvertisement'),
  unused(METALLB, 'BGPPeer'),
  unused('metallb.io/v1beta2', 'BGPPeer'),
  unused(METALLB, 'BFDProfile'),
  unused(METALLB, 'Community'),
  unused(CILIUM, 'CiliumBGPClusterConfig'),
  unused(CILIUM_BEFORE, 'CiliumBGPClusterConfig'),
  unused(CILIUM, 'CiliumBGPPeerConfig'),
  unused(CILIUM_BEFORE, 'CiliumBGPPeerConfig'),
  unused(CILIUM, 'CiliumBGPAdvertisement'),
  unused(CILIUM_BEFORE, 'CiliumBGPAdvertisement'),
  unused(CILIUM_BEFORE, 'CiliumBGPPeeringPolicy'),
] as const satisfies readonly DocumentKind[];

/** By section its documents, defaults filled in, in the order of files and documents. */
export type SectionsOf<Table extends readonly DocumentKind[]> = {
  readonly [Row in Table[number] as Row['section']]?: readonly Placed<
    v.InferOutput<Row['schema']>
  >[];
};

type Sections = SectionsOf<typeof DOCUMENT_KINDS>;

/** What all documents together say; what none of them is about is absent, and off. */
export interface Features {
  readonly settings?: NonNullable<Sections['settings']>[number]['value'];
  readonly loadBalancer?: LoadBalancerSettings;
}
