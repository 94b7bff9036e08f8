/** What is kept of a Service for giving it addresses; slimBalancedService reads it. */
import type { Family } from '../net/family.ts';
import type { Labels } from './labelSelector.ts';

/** Its addresses are texts as found, of whatever spelling. */
export interface BalancedService {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339; empty: older than everything */
  readonly createdAt: string;
  /** has a deletionTimestamp */
  readonly isDeleting: boolean;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly loadBalancerClass?: string;
  /** in order; empty: not known yet */
  readonly families: readonly Family[];
  readonly familyPolicy: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  /** without `None` */
  readonly clusterIPs: readonly string[];
  readonly externalIPs: readonly string[];
  /** `53/UDP` */
  readonly ports: readonly string[];
  readonly externalTrafficPolicy: 'Cluster' | 'Local';
  readonly selector: Labels;
  readonly labels: Labels;
  /** a comma list of addresses, of annotations */
  readonly wantedAddresses?: Wish;
  /** spec.loadBalancerIP */
  readonly loadBalancerIP?: Wish;
  /** a comma list of names */
  readonly wantedPools?: Wish;
  readonly shareKey?: Wish;
  /** a comma list of namespaces, or `*` */
  readonly shareWithNamespaces?: Wish;
  /** status.loadBalancer.ingress, whole */
  readonly ingress: readonly StatusIngress[];
  /** status.conditions, whole: those of others too */
  readonly conditions: readonly StatusCondition[];
}

/** What somebody wrote into one of the fields that mean the same. */
export interface Wish {
  /** `metadata.annotations[metallb.io/loadBalancerIPs]` */
  readonly field: string;
  /** not empty, without blanks around it */
  readonly value: string;
}

/** With whatever else the entry holds. */
export interface StatusIngress {
  readonly ip?: string;
  readonly ipMode?: string;
  readonly hostname?: string;
}

/** With whatever else the condition holds. */
export interface StatusCondition {
  readonly type: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}
