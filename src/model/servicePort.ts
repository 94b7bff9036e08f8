/**
 * One port of one Service in one family, with every address it is reached at: the unit that becomes
 * virtual servers.
 */
import type { Address } from '../net/address.ts';
import type { Family, Protocol } from '../net/family.ts';
import type { Prefix } from '../net/prefix.ts';
import type { Problem } from './problem.ts';
import type { ObjectKey } from './resources.ts';
import type { ServicePolicy } from './servicePolicy.ts';

export interface ServicePort {
  readonly service: ObjectKey;
  /** empty for an unnamed port */
  readonly portName: string;
  /** `ns/name:port`, or `ns/name` for an unnamed port, as kube-proxy prints it */
  readonly label: string;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly port: number;
  /** 0 = none */
  readonly nodePort: number;
  readonly clusterIP: Address;
  readonly externalIPs: readonly Address[];
  /** status addresses with ipMode VIP */
  readonly loadBalancerIPs: readonly Address[];
  /** absent: unrestricted; empty: nobody (every range of this family was malformed: fail closed) */
  readonly sourceRanges?: readonly Prefix[];
  readonly policy: ServicePolicy;
  /** only where the Service is reachable from outside at all */
  readonly isExternalLocal: boolean;
  readonly isInternalLocal: boolean;
  /** 0 = none */
  readonly healthCheckNodePort: number;
}

export interface Endpoint {
  readonly address: Address;
  readonly port: number;
  readonly isReady: boolean;
  readonly isServing: boolean;
  readonly isTerminating: boolean;
  readonly isLocal: boolean;
  readonly nodeName?: string;
  readonly hintZones?: readonly string[];
  readonly hintNodes?: readonly string[];
  /** `ns/slice#i` */
  readonly source: string;
  readonly target?: string;
}

/**
 * Endpoints of one service port after readiness, traffic policy and topology hints (KEP-1669,
 * KEP-2433, KEP-3015).
 */
export interface EndpointChoice {
  /** for traffic that may go anywhere; sorted by `address:port` */
  readonly cluster: readonly Endpoint[];
  /** on this node only; sorted; empty when the port has no Local policy or this node has none */
  readonly local: readonly Endpoint[];
  /** every local endpoint whatever its readiness: the hairpin set is made of these */
  readonly allLocal: readonly Endpoint[];
  /**
   * destinations of the cluster IP: under internalTrafficPolicy Local `local` even when empty
   * (refused), else `cluster`
   */
  readonly forClusterIP: readonly Endpoint[];
  /**
   * destinations of external addresses and NodePorts: under externalTrafficPolicy Local `local`
   * unless empty, else `cluster`
   */
  readonly forExternal: readonly Endpoint[];
  /**
   * externalTrafficPolicy Local, no endpoint here but some elsewhere: traffic from outside the
   * cluster to external addresses and NodePorts is dropped, while pods and this node reach
   * `forExternal` (docs/differences.md)
   */
  readonly isOutsideDropped: boolean;
  /**
   * every endpoint that is in neither `cluster` nor `local`, with the reason, in the order of
   * `cluster`
   */
  readonly excluded: readonly ExcludedEndpoint[];
  /**
   * endpoints that cannot be served for this port at all, as one whose address is the port's own
   */
  readonly problems: readonly Problem[];
}

export interface ExcludedEndpoint {
  readonly endpoint: Endpoint;
  /** completes "left out: it …" */
  readonly reason: string;
}
