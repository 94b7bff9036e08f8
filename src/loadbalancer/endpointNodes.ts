/** Where a Service's endpoints of one family are, by its slices. */
import type { EndpointSliceResource, EndpointSpec } from '../model/resources.ts';
import type { Family } from '../net/family.ts';
import type { EndpointNodes } from './announcement.ts';

/**
 * Ready ones count; where there is none on any node, those that still serve while they end
 * (KEP-1669).
 */
export function endpointNodes(
  slices: readonly EndpointSliceResource[],
  family: Family,
): EndpointNodes {
  const endpoints = slices
    .filter(({ addressType }) => addressType === family)
    .flatMap((slice) => slice.endpoints);
  const ready = endpoints.filter(({ isReady }) => isReady);
  const usable = ready.length > 0 ? ready : endpoints.filter(isEnding);
  const names = usable.flatMap(({ nodeName }) => (nodeName === undefined ? [] : [nodeName]));
  return { isAny: usable.length > 0, nodes: new Set(names) };
}

const isEnding = ({ isServing, isTerminating }: EndpointSpec): boolean =>
  isServing && isTerminating;
