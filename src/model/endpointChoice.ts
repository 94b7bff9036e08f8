/**
 * Which endpoints of a service port get traffic on this node: readiness, then traffic policies
 * (KEP-2086), then topology hints (KEP-2433, KEP-3015), with serving terminating endpoints as the
 * last resort (KEP-1669). Where to use the lists, and what to do when they are empty, is decided in
 * desired/.
 */
import type { Problem } from './problem.ts';
import { isExternallyReachable } from './service.ts';
import type { Endpoint, EndpointChoice, ExcludedEndpoint, ServicePort } from './servicePort.ts';

/** This node, as far as the choice depends on it. */
export interface ChoosingNode {
  readonly name: string;
  /** label topology.kubernetes.io/zone */
  readonly zone?: string;
}

/**
 * @param endpoints of this port, as {@link endpointsByPort} gives them: sorted, none twice
 * @see kubernetes pkg/proxy/topology.go, CategorizeEndpoints
 */
export function chooseEndpoints(
  endpoints: readonly Endpoint[],
  port: ServicePort,
  node: ChoosingNode,
): EndpointChoice {
  const looping = new Set(endpoints.filter((endpoint) => isOwnAddress(endpoint, port)));
  const usable = kept(endpoints, (endpoint) => !looping.has(endpoint));
  const usesCluster = !port.isInternalLocal || isExternallyReachable(port);
  const usesLocal = port.isInternalLocal || port.isExternalLocal;
  const allLocal = usable.filter((endpoint) => endpoint.isLocal);
  const hinted = usesCluster ? hintFilter(usable, node) : undefined;
  const cluster = usesCluster ? readyElseTerminating(usable, hinted?.isKept) : [];
  const local = usesLocal ? readyElseTerminating(allLocal) : [];
  return {
    cluster,
    local,
    allLocal,
    forClusterIP: port.isInternalLocal ? local : cluster,
    forExternal: port.isExternalLocal && local.length > 0 ? local : cluster,
    isOutsideDropped: port.isExternalLocal && local.length === 0 && cluster.length > 0,
    // made when somebody asks: compiling does not, and there may be thousands
    get excluded() {
      return excludedBut(new Set([...cluster, ...local]), endpoints, (endpoint) => {
        if (looping.has(endpoint)) return 'has the address of the Service itself';
        if (!usesCluster && !endpoint.isLocal) {
          return 'is on another node, and the traffic policy is Local';
        }
        return endpoint.isReady ? hinted?.reason : undefined;
      });
    },
    problems: Array.from(looping, (endpoint) => loopProblem(endpoint, port)),
  };
}

/**
 * Forwarding a ClusterIP to itself would go round for ever. An external address is not that: it may
 * be a node's own, and the endpoint a pod in that node's network. Where such an address is bound
 * here, desired/frontends.ts leaves it out.
 */
function isOwnAddress(endpoint: Endpoint, port: ServicePort): boolean {
  return endpoint.address === port.clusterIP;
}

/**
 * Ready endpoints that pass the filter; if there are none, those that still serve while they
 * terminate, unfiltered.
 */
function readyElseTerminating(
  endpoints: readonly Endpoint[],
  isKept: (endpoint: Endpoint) => boolean = () => true,
): readonly Endpoint[] {
  const ready = kept(endpoints, (endpoint) => endpoint.isReady && isKept(endpoint));
  if (ready.length > 0) return ready;
  return endpoints.filter((endpoint) => endpoint.isServing && endpoint.isTerminating);
}

/** The list itself when it is kept whole: what is made of equal lists is made once. */
function kept(
  endpoints: readonly Endpoint[],
  isKept: (endpoint: Endpoint) => boolean,
): readonly Endpoint[] {
  return endpoints.every(isKept) ? endpoints : endpoints.filter(isKept);
}

interface HintFilter {
  readonly isKept: (endpoint: Endpoint) => boolean;
  /** completes "left out: it …" */
  readonly reason: string;
}

/**
 * Hints count only when *every* ready endpoint has one and at least one of them is for here:
 * half-written hints must not take endpoints away. Node hints come before zone hints. The Service's
 * own wishes were turned into hints by the EndpointSlice controller and are not read.
 */
function hintFilter(endpoints: readonly Endpoint[], node: ChoosingNode): HintFilter | undefined {
  const ready = endpoints.filter((endpoint) => endpoint.isReady);
  const { name, zone } = node;
  const byNode = (endpoint: Endpoint) => endpoint.hintNodes?.includes(name) === true;
  if (ready.every((endpoint) => endpoint.hintNodes?.length) && ready.some(byNode)) {
    return { isKept: byNode, reason: `is hinted to other nodes than ${name}` };
  }
  if (zone === undefined) return undefined;
  const byZone = (endpoint: Endpoint) => endpoint.hintZones?.includes(zone) === true;
  if (ready.every((endpoint) => endpoint.hintZones?.length) && ready.some(byZone)) {
    return { isKept: byZone, reason: `is hinted to other zones than ${zone}` };
  }
  return undefined;
}

/** @param special the reason where it is another one than the endpoint's own state */
function excludedBut(
  chosen: ReadonlySet<Endpoint>,
  endpoints: readonly Endpoint[],
  special: (endpoint: Endpoint) => string | undefined,
): ExcludedEndpoint[] {
  return endpoints
    .filter((endpoint) => !chosen.has(endpoint))
    .map((endpoint) => ({ endpoint, reason: special(endpoint) ?? stateReason(endpoint) }));
}

function stateReason({ isServing, isTerminating }: Endpoint): string {
  if (!isTerminating) return 'is not ready';
  return isServing ? 'is terminating, and there are ready ones' : 'is terminating and not serving';
}

function loopProblem(endpoint: Endpoint, port: ServicePort): Problem {
  const [slice, index] = endpoint.source.split(/#(?=\d+$)/);
  return {
    path: `EndpointSlice/${slice}.endpoints[${index}].addresses[0]`,
    value: endpoint.address,
    service: port.service,
    problem: `is an address of its own Service ${port.label}`,
    consequence: 'EndpointSkipped',
  };
}
