/**
 * What the health-check node port of a Service says of this node, for the load balancer in front of
 * it: how many of its endpoints are ready here. Which Services have one, what counts, and the
 * answer as kube-proxy words it; where it is answered, and from when on, is the shell's.
 *
 * @see kubernetes pkg/proxy/healthcheck/service_health.go
 */
import type { EndpointSliceResource, EndpointSpec, ServiceResource } from '../model/resources.ts';
import { servicePorts } from '../model/service.ts';
import { usableAddress } from '../model/usableAddress.ts';
import { type Address, familyOf } from '../net/address.ts';
import type { Family } from '../net/family.ts';

/** Of one family: a listener of IPv6 tells of IPv6 endpoints. */
export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  readonly family: Family;
  readonly port: number;
  /** ready, on this node; one with several ports counts once */
  readonly localEndpoints: number;
}

export interface HealthCheckAnswer {
  readonly status: 200 | 503;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @returns one a family that the Service has a usable cluster IP of; none: it is not checked */
export function healthChecksOf(
  service: ServiceResource,
  slices: Iterable<EndpointSliceResource>,
  nodeName: string,
): readonly HealthCheck[] {
  if (service.healthCheckNodePort === 0) return [];
  const { namespace, name } = service;
  const ports = servicePorts(service).ports.filter((each) => each.healthCheckNodePort !== 0);
  const byFamily = new Map(ports.map((each) => [each.family, each.healthCheckNodePort]));
  const all = [...slices];
  return Array.from(byFamily, ([family, port]) => {
    const localEndpoints = readyHere(all, family, nodeName).size;
    return { namespace, name, family, port, localEndpoints };
  });
}

/**
 * Those that terminate and still serve do not count: the node serves them on, and is to get no new
 * connections for them (KEP-1669).
 */
function readyHere(
  slices: readonly EndpointSliceResource[],
  family: Family,
  nodeName: string,
): ReadonlySet<Address> {
  const found = new Set<Address>();
  for (const { addressType, ports, endpoints } of slices) {
    if (addressType !== family || ports.length === 0) continue;
    for (const endpoint of endpoints) {
      if (!endpoint.isReady || endpoint.nodeName !== nodeName) continue;
      const address = addressOf(endpoint);
      if (address !== undefined && familyOf(address) === family) found.add(address);
    }
  }
  return found;
}

function addressOf({ address }: EndpointSpec): Address | undefined {
  const result = usableAddress(address);
  return 'address' in result ? result.address : undefined;
}

/**
 * @param isProxyHealthy else what is ready may not be reached: the load balancer is to go elsewhere
 */
export function answerOf(
  { namespace, name, localEndpoints }: HealthCheck,
  isProxyHealthy: boolean,
): HealthCheckAnswer {
  const told = {
    service: { namespace, name },
    localEndpoints,
    serviceProxyHealthy: isProxyHealthy,
  };
  return {
    status: localEndpoints > 0 && isProxyHealthy ? 200 : 503,
    contentType: 'application/json',
    headers: { 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) },
    body: JSON.stringify(told, undefined, '\t'),
  };
}
