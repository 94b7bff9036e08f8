/**
 * The one table of documents that `--features` may hold: a feature that is configured adds a row.
 * Which one is not there is off. How documents are read is features.ts.
 */
import * as v from 'valibot';
import { flag } from './fieldTypes.ts';

export const API_VERSION = 'kube-ipvs.io/v1alpha1';

export interface DocumentKind {
  /** `kube-ipvs.io/v1alpha1`, or somebody else's */
  readonly apiVersion: string;
  readonly kind: string;
  /** its member of {@link Features} */
  readonly section: string;
  /**
   * of what stands beside apiVersion and kind; made of `v.object`, so that what it does not name is
   * found, except below `v.looseObject`
   */
  readonly schema: v.GenericSchema;
  /**
   * objects, of which there may be any number: the section is a list of them, in the order of files
   * and documents
   */
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
] as const satisfies readonly DocumentKind[];

/** By section what the documents say, defaults filled in. */
export type SectionsOf<Table extends readonly DocumentKind[]> = {
  readonly [Row in Table[number] as Row['section']]?: Row extends { readonly isMany: true }
    ? readonly v.InferOutput<Row['schema']>[]
    : v.InferOutput<Row['schema']>;
};

export type Features = SectionsOf<typeof DOCUMENT_KINDS>;
