/**
 * One Service as the ports that become virtual servers, for both families. Decides which Services
 * are not ours to program, and what of a port is usable; conflicts *between* Services, and which
 * addresses this host may bind, are decided in desired/.
 */
import { FAMILIES, type Family } from '../net/family.ts';
import type { Consequence } from './consequence.ts';
import type { Problem } from './problem.ts';
import type { ServicePortSpec, ServiceResource } from './resources.ts';
import { type AddressRules, type ServiceAddresses, serviceAddresses } from './serviceAddresses.ts';
import type { ServicePort } from './servicePort.ts';
import { endpointPortKey } from './sliceEndpoints.ts';
import { sourceRanges } from './sourceRanges.ts';

export interface ServicePorts {
  /** IPv4 before IPv6, each in the order of spec.ports */
  readonly ports: readonly ServicePort[];
  /** why nothing is programmed, in words; absent when something is */
  readonly skipped?: string;
  readonly problems: readonly Problem[];
}

/**
 * @param rules of the cluster; those who ask for ports alone need not know them
 * @see kubernetes pkg/proxy/servicechangetracker.go, serviceToServiceMap
 */
export function servicePorts(service: ServiceResource, rules?: AddressRules): ServicePorts {
  const skipped = whySkipped(service);
  if (skipped !== undefined) return { ports: [], skipped, problems: [] };
  const addresses = serviceAddresses(service, rules);
  const ranges = sourceRanges(service);
  const specs = distinctPorts(service);
  const problems = [...addresses.problems, ...ranges.problems, ...specs.problems];
  const ports: ServicePort[] = [];
  for (const family of FAMILIES) {
    const ofFamily = addresses.byFamily.get(family);
    if (ofFamily === undefined) continue;
    const shared = sharedFields(service, family, ofFamily, ranges.byFamily[family]);
    for (const spec of specs.ports) ports.push(servicePort(service, spec, shared));
  }
  if (ports.length > 0) return { ports, problems };
  const lack = addresses.byFamily.size === 0 ? 'cluster IP' : 'port';
  return { ports, skipped: `it has no usable ${lack}`, problems };
}

/** @see kube-proxy's watch selectors and ShouldSkipService */
function whySkipped(service: ServiceResource): string | undefined {
  if (service.proxyName !== undefined) {
    return `the label service.kubernetes.io/service-proxy-name leaves it to another proxy (${JSON.stringify(service.proxyName)})`;
  }
  if (service.isLabelledHeadless) {
    return 'the label service.kubernetes.io/headless says that it is headless';
  }
  if (service.type === 'ExternalName') {
    return 'type ExternalName is a CNAME in cluster DNS, with nothing to program';
  }
  const [clusterIP] = service.clusterIPs;
  if (clusterIP === undefined) return 'it has no cluster IP yet';
  return clusterIP === 'None' ? 'it is headless (cluster IP None)' : undefined;
}

/**
 * Ports that do not collide with an earlier one of the same Service; what the API server would
 * refuse.
 */
function distinctPorts(service: ServiceResource): {
  ports: readonly ServicePortSpec[];
  problems: readonly Problem[];
} {
  const seen = new Set<string>();
  const isTaken = (key: string) => seen.size === seen.add(key).size;
  const ports: ServicePortSpec[] = [];
  const problems: Problem[] = [];
  for (const spec of service.ports) {
    const path = `Service/${service.namespace}/${service.name}.spec.ports[${spec.index}]`;
    const dropped = (field: string, value: unknown, problem: string, consequence: Consequence) =>
      problems.push({ path: `${path}.${field}`, value, problem, consequence });
    if (isTaken(`name ${endpointPortKey(spec.name, spec.protocol)}`)) {
      dropped('name', spec.name, 'is the name of an earlier port', 'PortSkipped');
    } else if (isTaken(`port ${spec.port}/${spec.protocol}`)) {
      dropped('port', spec.port, 'is the number of an earlier port', 'PortSkipped');
    } else if (spec.nodePort !== 0 && isTaken(`nodePort ${spec.nodePort}/${spec.protocol}`)) {
      dropped('nodePort', spec.nodePort, 'is the nodePort of an earlier port', 'ValueIgnored');
      ports.push({ ...spec, nodePort: 0 });
    } else ports.push(spec);
  }
  return { ports, problems };
}

type SharedFields = Omit<
  ServicePort,
  'portName' | 'label' | 'protocol' | 'port' | 'nodePort' | 'isExternalLocal'
>;

function sharedFields(
  service: ServiceResource,
  family: Family,
  addresses: ServiceAddresses,
  ranges: ServicePort['sourceRanges'],
): SharedFields {
  const isBalancedLocally =
    service.type === 'LoadBalancer' && service.externalTrafficPolicy === 'Local';
  return {
    service: `${service.namespace}/${service.name}`,
    family,
    ...addresses,
    ...(ranges === undefined ? {} : { sourceRanges: ranges }),
    policy: service.policy,
    isInternalLocal: service.internalTrafficPolicy === 'Local',
    healthCheckNodePort: isBalancedLocally ? service.healthCheckNodePort : 0,
  };
}

function servicePort(
  service: ServiceResource,
  spec: ServicePortSpec,
  shared: SharedFields,
): ServicePort {
  const port = {
    ...shared,
    portName: spec.name,
    label: spec.name === '' ? shared.service : `${shared.service}:${spec.name}`,
    protocol: spec.protocol,
    port: spec.port,
    nodePort: spec.nodePort,
  };
  const isLocal = service.externalTrafficPolicy === 'Local';
  return { ...port, isExternalLocal: isLocal && isExternallyReachable(port) };
}

/** A node port, or an address besides the cluster IP. */
export function isExternallyReachable(
  port: Pick<ServicePort, 'nodePort' | 'externalIPs' | 'loadBalancerIPs'>,
): boolean {
  return port.nodePort !== 0 || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0;
}
