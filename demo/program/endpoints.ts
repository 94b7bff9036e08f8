// A pod taken out of a manifest: the edit an operator would make, comments and layout kept.

import { isMap, isSeq, parseAllDocuments } from 'yaml';
import type { ClusterObject } from '../../test/support/e2e/clusterObjects.ts';

/** An EndpointSlice of demo/*.yaml. */
export interface SliceObject extends ClusterObject {
  readonly endpoints: readonly { readonly targetRef: { readonly name: string } }[];
}

/**
 * @param text documents of a manifest
 * @returns the same without the endpoints whose `targetRef` names the pod
 * @throws when there are none
 */
export function withoutPod(text: string, pod: string): string {
  const documents = parseAllDocuments(text);
  let removed = 0;
  for (const document of documents) {
    const endpoints = document.get('endpoints');
    if (!isSeq(endpoints)) continue;
    const staying = endpoints.items.filter(
      (item) => !(isMap(item) && item.getIn(['targetRef', 'name']) === pod),
    );
    removed += endpoints.items.length - staying.length;
    endpoints.items = staying;
  }
  if (removed === 0) throw new Error(`no endpoint of pod ${pod} in the manifest`);
  return documents.map(String).join('');
}
