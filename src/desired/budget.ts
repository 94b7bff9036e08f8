/**
 * What one Service may ask of every node: ports, addresses, ranges and endpoints are multiplied
 * with each other, so that a small object can mean millions of set members. Looked at before
 * anything is multiplied. Many Services are what quotas are for.
 */
import type { Problem } from '../model/problem.ts';
import type { EndpointSliceResource, ServiceResource } from '../model/resources.ts';
import type { ServicePort } from '../model/servicePort.ts';
import { endpointPortKey } from '../model/sliceEndpoints.ts';
import type { Family } from '../net/family.ts';
import { askedAddresses } from './frontendKinds.ts';
import type { CompileContext } from './frontends.ts';

export const BUDGET = {
  /** kube-proxy's sets hold no more for all Services together */
  rangeMembers: 65_536,
  /**
   * addresses with a port: more than all 2,768 ports of the default NodePort range at five
   * addresses
   */
  frontends: 16_384,
  /**
   * more than three addresses with every pod of the largest cluster that Kubernetes supports
   * (150,000) behind each
   */
  destinations: 524_288,
} as const;

export interface Affordable {
  readonly ports: readonly ServicePort[];
  /** why nothing is programmed; then there are no ports */
  readonly skipped?: string;
  readonly problems: readonly Problem[];
}

/** @param ports those that this host programs */
export function affordable(
  service: ServiceResource,
  ports: readonly ServicePort[],
  slices: readonly EndpointSliceResource[],
  context: Pick<CompileContext, 'nodePortAddresses'>,
): Affordable {
  const frontends = sumOf(ports, (port) => frontendsOf(port, context));
  if (frontends > BUDGET.frontends) {
    return refused(
      service,
      `asks for ${frontends} addresses with a port, more than ${BUDGET.frontends}`,
      'ports or addresses',
    );
  }
  const endpoints = endpointCounts(slices);
  const destinations = sumOf(ports, (port) => {
    const denied = port.sourceRanges === undefined ? 0 : port.loadBalancerIPs.length;
    const each = endpoints.get(countKey(port.family, port.portName, port.protocol)) ?? 0;
    return (frontendsOf(port, context) + denied) * each;
  });
  if (destinations > BUDGET.destinations) {
    return refused(
      service,
      `asks for ${destinations} destinations, more than ${BUDGET.destinations}`,
      'ports, addresses or endpoints',
    );
  }
  return closedBeyondBudget(service, ports);
}

function frontendsOf(
  port: ServicePort,
  { nodePortAddresses }: Pick<CompileContext, 'nodePortAddresses'>,
): number {
  return sumOf(askedAddresses(port, nodePortAddresses), ({ addresses }) => addresses.length);
}

/** Endpoints of each port, in whatever state, by {@link countKey}. */
function endpointCounts(slices: readonly EndpointSliceResource[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { addressType, ports, endpoints } of slices) {
    for (const { name, protocol } of ports) {
      const key = countKey(addressType, name, protocol);
      counts.set(key, (counts.get(key) ?? 0) + endpoints.length);
    }
  }
  return counts;
}

function countKey(family: Family, name: string, protocol: ServicePort['protocol']): string {
  return `${family} ${endpointPortKey(name, protocol)}`;
}

function refused(service: ServiceResource, demand: string, what: string): Affordable {
  const cure = `use fewer ${what}, or several Services`;
  const problem = `${demand}; ${cure}`;
  return {
    ports: [],
    skipped: `it ${demand}`,
    problems: [{ path: pathOf(service), value: undefined, problem, consequence: 'ServiceSkipped' }],
  };
}

/** Ranges fail closed: nobody is admitted rather than everybody. */
function closedBeyondBudget(service: ServiceResource, ports: readonly ServicePort[]): Affordable {
  const members = sumOf(
    ports,
    ({ loadBalancerIPs, sourceRanges }) => loadBalancerIPs.length * (sourceRanges?.length ?? 0),
  );
  if (members <= BUDGET.rangeMembers) return { ports, problems: [] };
  const path = `${pathOf(service)}.${service.sourceRangesPath}`;
  const demand = `asks for ${members} set members, of ports, load balancer addresses and ranges`;
  const cure = `more than ${BUDGET.rangeMembers}: use fewer of them, or several Services`;
  return {
    ports: ports.map((port) => (port.sourceRanges === undefined ? port : closed(port))),
    problems: [
      { path, value: undefined, problem: `${demand}, ${cure}`, consequence: 'RangeAdmitsNobody' },
    ],
  };
}

function closed(port: ServicePort): ServicePort {
  return { ...port, sourceRanges: [] };
}

function pathOf({ namespace, name }: ServiceResource): string {
  return `Service/${namespace}/${name}`;
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
