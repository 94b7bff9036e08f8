/**
 * What is to be forwarded from this node's loopback addresses: each TCP nodePort of a Service with
 * the endpoints that a process of this node reaches there, on other nodes too, whatever the
 * external traffic policy says, as in kube-proxy's mode iptables.
 */
import { endpointsByPort } from '../model/endpoint.ts';
import { chooseEndpoints, type ChoosingNode } from '../model/endpointChoice.ts';
import type { EndpointSliceResource, ServiceResource } from '../model/resources.ts';
import { servicePorts } from '../model/service.ts';
import type { Endpoint } from '../model/servicePort.ts';
import { endpointPortKey } from '../model/sliceEndpoints.ts';

export interface Forward {
  /** `ns/name:port` */
  readonly label: string;
  readonly nodePort: number;
  /** in the order of their addresses, never empty */
  readonly endpoints: readonly Endpoint[];
  /** a client keeps its endpoint so long after its last connection; absent: it does not */
  readonly affinityTimeoutSec?: number;
}

/** Of IPv4: `::1` serves no NodePort in any mode of kube-proxy's before 1.37. */
export function forwardsOf(
  service: ServiceResource,
  slices: Iterable<EndpointSliceResource>,
  node: ChoosingNode,
): readonly Forward[] {
  if (!hasTcpNodePort(service)) return [];
  const { endpoints } = endpointsByPort(slices, 'IPv4', node.name);
  const ports = servicePorts(service).ports.filter(
    ({ family, protocol, nodePort }) => family === 'IPv4' && protocol === 'TCP' && nodePort !== 0,
  );
  return ports.flatMap((port) => {
    const listed = endpoints.get(endpointPortKey(port.portName, port.protocol)) ?? [];
    const chosen = chooseEndpoints(listed, port, node).cluster;
    if (chosen.length === 0) return [];
    const { label, nodePort, policy } = port;
    const { affinityTimeoutSec } = policy;
    const affinity = affinityTimeoutSec === undefined ? {} : { affinityTimeoutSec };
    return [{ label, nodePort, endpoints: chosen, ...affinity }];
  });
}

export function hasTcpNodePort(service: Pick<ServiceResource, 'ports'> | undefined): boolean {
  return service?.ports.some((port) => port.protocol === 'TCP' && port.nodePort !== 0) === true;
}
