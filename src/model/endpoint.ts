/**
 * The slices of one Service merged into endpoints by port name, for one family. Decides which endpoint addresses are
 * usable and which copy of an endpoint listed twice counts; which of them get traffic is decided in endpointChoice.ts.
 */
import { type Address, familyOf, hostPortSortKey, joinHostPort } from '../net/address.ts';
import type { Family, Protocol } from '../net/family.ts';
import { type Problem, withConsequence } from './problem.ts';
import type { EndpointPortSpec, EndpointSliceResource, EndpointSpec } from './resources.ts';
import type { Endpoint } from './servicePort.ts';
import { usableAddress } from './usableAddress.ts';

export interface EndpointsByPort {
  /** by {@link endpointPortKey}; each sorted by address, then port, none twice */
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  readonly problems: readonly Problem[];
}

/** The name under which a Service's port and the ports of its slices meet: `http/TCP`; `/TCP` for an unnamed port. */
export function endpointPortKey(portName: string, protocol: Protocol): string {
  return `${portName}/${protocol}`;
}

/**
 * @param slices those of one Service, in any order: the result does not depend on it; other families are passed over
 * @param nodeName endpoints on this node are local; an endpoint without a node never is
 */
export function endpointsByPort(
  slices: Iterable<EndpointSliceResource>,
  family: Family,
  nodeName: string,
): EndpointsByPort {
  const byPort = new Map<string, Map<string, Endpoint>>();
  const problems: Problem[] = [];
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    for (const spec of slice.endpoints) {
      const address = checkAddress(slice, spec, problems);
      if (address === undefined) continue;
      for (const port of slice.ports) {
        addEndpoint(byPort, port, endpointOf(slice, spec, address, port, nodeName));
      }
    }
  }
  const endpoints = new Map<string, readonly Endpoint[]>();
  for (const [key, found] of byPort) {
    endpoints.set(key, sorted(found.values()));
  }
  return { endpoints, problems };
}

function checkAddress(
  slice: EndpointSliceResource,
  spec: EndpointSpec,
  problems: Problem[],
): Address | undefined {
  const result = usableAddress(spec.address);
  if ('address' in result && familyOf(result.address) === slice.addressType) return result.address;
  const reason = 'reason' in result ? result.reason : `is not of family ${slice.addressType}`;
  problems.push({
    path: `EndpointSlice/${slice.namespace}/${slice.name}.endpoints[${spec.index}].addresses[0]`,
    value: spec.address,
    service: slice.service,
    ...withConsequence(reason, 'EndpointSkipped'),
  });
  return undefined;
}

function endpointOf(
  slice: EndpointSliceResource,
  spec: EndpointSpec,
  address: Address,
  port: EndpointPortSpec,
  nodeName: string,
): Endpoint {
  const { address: _, index, ...conditionsAndHints } = spec;
  return {
    ...conditionsAndHints,
    address,
    port: port.port,
    isLocal: spec.nodeName !== undefined && spec.nodeName === nodeName,
    source: `${slice.namespace}/${slice.name}#${index}`,
  };
}

function addEndpoint(
  byPort: Map<string, Map<string, Endpoint>>,
  port: EndpointPortSpec,
  endpoint: Endpoint,
): void {
  const portKey = endpointPortKey(port.name, port.protocol);
  const found = byPort.get(portKey) ?? new Map<string, Endpoint>();
  byPort.set(portKey, found);
  const key = joinHostPort(endpoint.address, endpoint.port);
  const other = found.get(key);
  if (other === undefined || isPreferred(endpoint, other)) found.set(key, endpoint);
}

/**
 * Which of two copies counts. A pod that moves from one slice to another is in both for a moment, maybe not ready in
 * one of them, and must not be seen as not ready (upstream takes the last one seen). Where it is does not matter: a network
 * gives an address away again before the old pod, stuck on this node, is gone (kubernetes issue 135266).
 */
function isPreferred(a: Endpoint, b: Endpoint): boolean {
  if (a.isReady !== b.isReady) return a.isReady;
  if (a.isServing !== b.isServing) return a.isServing;
  if (a.isTerminating !== b.isTerminating) return b.isTerminating;
  return a.source < b.source;
}

function sorted(endpoints: Iterable<Endpoint>): readonly Endpoint[] {
  return Array.from(endpoints, (endpoint) => {
    return [hostPortSortKey(endpoint.address, endpoint.port), endpoint] as const;
  })
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, endpoint]) => endpoint);
}
