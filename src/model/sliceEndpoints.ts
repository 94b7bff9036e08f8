/**
 * The endpoints of one slice by port name: which addresses are usable, and in what order they
 * stand. A slice that did not change reads as before, so of a Service with many slices each is kept
 * as it was read: see {@link SliceReader}.
 */
import { type Address, familyOf, hostPortSortKey } from '../net/address.ts';
import type { Protocol } from '../net/family.ts';
import type { Problem } from './problem.ts';
import type { EndpointPortSpec, EndpointSliceResource, EndpointSpec } from './resources.ts';
import type { Endpoint } from './servicePort.ts';
import { usableAddress } from './usableAddress.ts';

/**
 * An endpoint with {@link hostPortSortKey}, which tells copies of one address and port from others
 * too.
 */
export interface SortedEndpoint {
  readonly key: string;
  readonly endpoint: Endpoint;
}

export interface SliceEndpoints {
  /** by {@link endpointPortKey}; each in order of the keys, copies side by side */
  readonly byPort: ReadonlyMap<string, readonly SortedEndpoint[]>;
  readonly problems: readonly Problem[];
}

/**
 * The name under which a Service's port and the ports of its slices meet: `http/TCP`; `/TCP` for an
 * unnamed port.
 */
export function endpointPortKey(portName: string, protocol: Protocol): string {
  return `${portName}/${protocol}`;
}

/** @param nodeName endpoints on this node are local; an endpoint without a node never is */
export function readSlice(slice: EndpointSliceResource, nodeName: string): SliceEndpoints {
  const problems: Problem[] = [];
  const usable: (readonly [EndpointSpec, Address])[] = [];
  for (const spec of slice.endpoints) {
    const address = checkAddress(slice, spec, problems);
    if (address !== undefined) usable.push([spec, address]);
  }
  const source = `${slice.namespace}/${slice.name}#`;
  const byPort = new Map<string, SortedEndpoint[]>();
  if (usable.length === 0) return { byPort, problems };
  for (const port of slice.ports) {
    const portKey = endpointPortKey(port.name, port.protocol);
    const found = byPort.get(portKey) ?? [];
    byPort.set(portKey, found);
    for (const [spec, address] of usable) {
      const endpoint = endpointOf(source, spec, address, port, nodeName);
      found.push({ key: hostPortSortKey(address, port.port), endpoint });
    }
  }
  for (const found of byPort.values()) found.sort(byKey);
  return { byPort, problems };
}

/** Reads each slice once as long as somebody holds it. */
export class SliceReader {
  readonly #nodeName: string;
  readonly #read = new WeakMap<EndpointSliceResource, SliceEndpoints>();

  constructor(nodeName: string) {
    this.#nodeName = nodeName;
  }

  read(slice: EndpointSliceResource): SliceEndpoints {
    let endpoints = this.#read.get(slice);
    if (endpoints === undefined) {
      endpoints = readSlice(slice, this.#nodeName);
      this.#read.set(slice, endpoints);
    }
    return endpoints;
  }
}

export function byKey(a: SortedEndpoint, b: SortedEndpoint): number {
  return a.key < b.key ? -1 : Number(a.key > b.key);
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
    problem: reason,
    consequence: 'EndpointSkipped',
  });
  return undefined;
}

function endpointOf(
  source: string,
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
    // All of a slice share its part of the text.
    source: source + String(index),
  };
}
