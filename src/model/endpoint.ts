/**
 * The slices of one Service merged into endpoints by port name, for one family. Decides which copy
 * of an endpoint listed twice counts; which of them get traffic is decided in endpointChoice.ts.
 */
import type { Family } from '../net/family.ts';
import type { Problem } from './problem.ts';
import type { EndpointSliceResource } from './resources.ts';
import type { Endpoint } from './servicePort.ts';
import { byKey, readSlice, type SliceReader, type SortedEndpoint } from './sliceEndpoints.ts';

export interface EndpointsByPort {
  /** by {@link endpointPortKey}; each sorted by address, then port, none twice */
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  readonly problems: readonly Problem[];
}

/**
 * @param slices those of one Service, in any order: the result does not depend on it; other
 * families are passed over
 * @param nodeName endpoints on this node are local; an endpoint without a node never is
 * @param reader of the same node; used where there are several slices, so that one that changed
 * costs no reading of the others
 */
export function endpointsByPort(
  slices: Iterable<EndpointSliceResource>,
  family: Family,
  nodeName: string,
  reader?: SliceReader,
): EndpointsByPort {
  const ofFamily = [...slices].filter(({ addressType }) => addressType === family);
  const isKept = reader !== undefined && ofFamily.length > 1;
  const problems: Problem[] = [];
  const lists = new Map<string, (readonly SortedEndpoint[])[]>();
  for (const slice of ofFamily) {
    const read = isKept ? reader.read(slice) : readSlice(slice, nodeName);
    for (const problem of read.problems) problems.push(problem);
    for (const [port, list] of read.byPort) {
      const others = lists.get(port);
      if (others === undefined) lists.set(port, [list]);
      else others.push(list);
    }
  }
  const endpoints = new Map<string, readonly Endpoint[]>();
  for (const [port, all] of lists) endpoints.set(port, merged(all));
  return { endpoints, problems };
}

/** Sorting finds the runs that are in order already. */
function merged(lists: readonly (readonly SortedEndpoint[])[]): readonly Endpoint[] {
  const all = lists.length === 1 ? lists[0]! : lists.flat().sort(byKey);
  const endpoints: Endpoint[] = [];
  let lastKey: string | undefined;
  for (const { key, endpoint } of all) {
    if (key !== lastKey) endpoints.push(endpoint);
    else if (isPreferred(endpoint, endpoints.at(-1)!)) endpoints[endpoints.length - 1] = endpoint;
    lastKey = key;
  }
  return endpoints;
}

/**
 * Which of two copies counts. A pod that moves from one slice to another is in both for a moment,
 * maybe not ready in one of them, and must not be seen as not ready (upstream takes the last one
 * seen). Where it is does not matter: a network gives an address away again before the old pod,
 * stuck on this node, is gone (kubernetes issue 135266).
 */
function isPreferred(a: Endpoint, b: Endpoint): boolean {
  if (a.isReady !== b.isReady) return a.isReady;
  if (a.isServing !== b.isServing) return a.isServing;
  if (a.isTerminating !== b.isTerminating) return b.isTerminating;
  return a.source < b.source;
}
