/**
 * The one table of documents that `--features` may hold: a feature that is configured adds a row.
 * Which one is not there is off. How documents are read is features.ts.
 */
import * as v from 'valibot';
import { flag } from './fieldTypes.ts';
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
}

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
