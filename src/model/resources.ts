/**
 * The slim form of the API objects that a proxy reads: each kept field costs memory at scale, so
 * everything else is dropped at the door (slimService, slimEndpointSlice, slimNode). Fields hold
 * the API's values, defaults applied, with their *types* checked; what they *mean* is decided in
 * service.ts and endpoint.ts.
 */
import type { Protocol } from '../net/family.ts';
import type { AnnouncingNode } from './announcingNode.ts';
import type { BalancedService } from './balancedService.ts';
import type { Labels } from './labelSelector.ts';
import type { ServicePolicy } from './servicePolicy.ts';

/** `namespace/name`; a Node's key is its name. */
export type ObjectKey = string;

export interface ServiceResource {
  readonly namespace: string;
  readonly name: string;
  /**
   * RFC 3339, UTC; empty when unknown (manifests): such an object counts as the oldest, ties go by
   * key
   */
  readonly createdAt: string;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** spec.clusterIPs, or spec.clusterIP alone; `None` marks a headless Service; may be empty */
  readonly clusterIPs: readonly string[];
  readonly externalIPs: readonly string[];
  readonly loadBalancerIngress: readonly LoadBalancerIngress[];
  /**
   * spec.loadBalancerSourceRanges, else the annotation
   * service.beta.kubernetes.io/load-balancer-source-ranges
   */
  readonly sourceRanges: readonly string[];
  /** dotted path of the field that sourceRanges came from, for problems */
  readonly sourceRangesPath: string;
  readonly ports: readonly ServicePortSpec[];
  readonly policy: ServicePolicy;
  readonly externalTrafficPolicy: 'Cluster' | 'Local';
  readonly internalTrafficPolicy: 'Cluster' | 'Local';
  /** 0 when absent */
  readonly healthCheckNodePort: number;
  /** value of the label service.kubernetes.io/service-proxy-name: another proxy serves it */
  readonly proxyName?: string;
  /** carries the label service.kubernetes.io/headless (any value) */
  readonly isLabelledHeadless?: boolean;
  /** where load balancer addresses are given out */
  readonly balanced?: BalancedService;
}

export interface ServicePortSpec {
  /** empty for an unnamed port */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** 0 when absent */
  readonly nodePort: number;
  /** index in spec.ports, for problem paths */
  readonly index: number;
}

export interface LoadBalancerIngress {
  readonly ip?: string;
  /** default VIP (KEP-1860) */
  readonly ipMode: 'VIP' | 'Proxy';
}

export interface EndpointSliceResource {
  readonly namespace: string;
  readonly name: string;
  /** key of the Service, from the label kubernetes.io/service-name */
  readonly service: ObjectKey;
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: readonly EndpointPortSpec[];
  readonly endpoints: readonly EndpointSpec[];
  /** annotation endpoints.kubernetes.io/last-change-trigger-time, ms since the epoch */
  readonly triggerTimeMs?: number;
  /** carries the label service.kubernetes.io/headless (any value): not for proxies */
  readonly isHeadless?: boolean;
}

export interface EndpointPortSpec {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface EndpointSpec {
  /** the first address; kube-proxy uses no other */
  readonly address: string;
  /** position in the slice's endpoints, for `ns/slice#i` */
  readonly index: number;
  readonly isReady: boolean;
  readonly isServing: boolean;
  readonly isTerminating: boolean;
  readonly nodeName?: string;
  /** absent when the endpoint carries no such hint */
  readonly hintZones?: readonly string[];
  readonly hintNodes?: readonly string[];
  /** `Pod ns/name`, for annotated listings */
  readonly target?: string;
}

export interface NodeResource {
  readonly name: string;
  /**
   * status.addresses of types InternalIP and ExternalIP that are IP addresses, canonical,
   * InternalIP first
   */
  readonly addresses: readonly string[];
  /** those of `addresses` that are of type ExternalIP alone; absent: none */
  readonly externalAddresses?: readonly string[];
  /** canonical CIDRs, spec.podCIDRs */
  readonly podCIDRs: readonly string[];
  /** label topology.kubernetes.io/zone */
  readonly zone?: string;
  /** deletionTimestamp is set, or the cluster autoscaler's ToBeDeleted taint is there (KEP-3836) */
  readonly isLeaving: boolean;
  /** where load balancer addresses are announced */
  readonly announcing?: AnnouncingNode;
}

export interface NamespaceResource {
  readonly name: string;
  readonly labels: Labels;
}
