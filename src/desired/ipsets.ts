/**
 * The ipsets that the fixed rules refer to: names, types, comments, capacity. Which members a
 * Service contributes is decided in frontends.ts; which rules look at a set, in natRules.ts and
 * filterRules.ts. The first seventeen are kube-proxy's (other programs look for them); the last
 * four are ours and follow the same naming.
 */
import type { IpSetType } from '../dataplane/state.ts';
import type { ContributedSet } from './contributor.ts';

export interface SetDefinition extends ContributedSet {
  /** comment of the rules that match it, as kube-proxy writes it */
  readonly comment: string;
}

/** In the order in which they are created and listed. */
export const SERVICE_SETS = [
  {
    name: 'KUBE-LOOP-BACK',
    type: 'hash:ip,port,ip',
    comment: 'Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose',
  },
  {
    name: 'KUBE-CLUSTER-IP',
    type: 'hash:ip,port',
    comment: 'Kubernetes service cluster ip + port for masquerade purpose',
  },
  {
    name: 'KUBE-EXTERNAL-IP',
    type: 'hash:ip,port',
    comment: 'Kubernetes service external ip + port for masquerade and filter purpose',
  },
  {
    name: 'KUBE-EXTERNAL-IP-LOCAL',
    type: 'hash:ip,port',
    comment: 'Kubernetes service external ip + port with externalTrafficPolicy=local',
  },
  { name: 'KUBE-LOAD-BALANCER', type: 'hash:ip,port', comment: 'Kubernetes service lb portal' },
  {
    name: 'KUBE-LOAD-BALANCER-LOCAL',
    type: 'hash:ip,port',
    comment: 'Kubernetes service load balancer ip + port with externalTrafficPolicy=local',
  },
  {
    name: 'KUBE-LOAD-BALANCER-FW',
    type: 'hash:ip,port',
    comment: 'Kubernetes service load balancer ip + port for load balancer with sourceRange',
  },
  {
    name: 'KUBE-LOAD-BALANCER-SOURCE-IP',
    type: 'hash:ip,port,ip',
    comment: 'Kubernetes service load balancer ip + port + source IP for packet filter purpose',
  },
  {
    name: 'KUBE-LOAD-BALANCER-SOURCE-CIDR',
    type: 'hash:ip,port,net',
    comment: 'Kubernetes service load balancer ip + port + source cidr for packet filter purpose',
  },
  {
    name: 'KUBE-NODE-PORT-TCP',
    type: 'bitmap:port',
    comment: 'Kubernetes nodeport TCP port for masquerade purpose',
  },
  {
    name: 'KUBE-NODE-PORT-LOCAL-TCP',
    type: 'bitmap:port',
    comment: 'Kubernetes nodeport TCP port with externalTrafficPolicy=local',
  },
  {
    name: 'KUBE-NODE-PORT-UDP',
    type: 'bitmap:port',
    comment: 'Kubernetes nodeport UDP port for masquerade purpose',
  },
  {
    name: 'KUBE-NODE-PORT-LOCAL-UDP',
    type: 'bitmap:port',
    comment: 'Kubernetes nodeport UDP port with externalTrafficPolicy=local',
  },
  {
    name: 'KUBE-NODE-PORT-SCTP-HASH',
    type: 'hash:ip,port',
    comment: "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'",
  },
  {
    name: 'KUBE-NODE-PORT-LOCAL-SCTP-HASH',
    type: 'hash:ip,port',
    comment:
      "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'",
  },
  {
    name: 'KUBE-HEALTH-CHECK-NODE-PORT',
    type: 'bitmap:port',
    comment: 'Kubernetes health check node port',
  },
  { name: 'KUBE-IPVS-IPS', type: 'hash:ip', comment: 'Kubernetes addresses on kube-ipvs0' },
  // Ours from here on. Outside traffic to these ip:port (node address and nodePort included) is
  // dropped: policy Local, no local endpoint. kube-proxy sends it to another node unmasqueraded,
  // where it times out.
  {
    name: 'KUBE-IPVS-DROP',
    type: 'hash:ip,port',
    comment: 'externalTrafficPolicy=local without local endpoint',
  },
  // New connections to these are refused at once: no usable endpoint anywhere.
  {
    name: 'KUBE-IPVS-REJECT',
    type: 'hash:ip,port',
    comment: 'no usable endpoint',
  },
  // Sources that count as inside for KUBE-IPVS-DROP: the pods of this node, see insideSources.ts.
  { name: 'KUBE-IPVS-INSIDE', type: 'hash:net', comment: 'pods of this node' },
  // `VIP,proto:endpointPort,endpointIP`, matched src,dst,dst in filter OUTPUT, where IPVS has
  // already rewritten the destination: processes of this node must not reach a restricted LB
  // address that does not admit the node. One rule instead of kube-proxy's one per address, and no
  // need for the xt_ipvs module.
  {
    name: 'KUBE-LOAD-BALANCER-OUT-DENY',
    type: 'hash:ip,port,ip',
    comment: 'loadBalancerSourceRanges without this node',
  },
] as const satisfies readonly SetDefinition[];

export type SetName = (typeof SERVICE_SETS)[number]['name'];

const DEFINITIONS: ReadonlyMap<string, SetDefinition> = new Map(
  SERVICE_SETS.map((definition) => [definition.name, definition]),
);

export function setDefinition(name: SetName): SetDefinition {
  return DEFINITIONS.get(name)!;
}

/** kube-proxy's capacity: taking over from it replaces no set while this is enough. */
const LEAST_CAPACITY = 65536;

/**
 * The least capacity that leaves room to grow by half: a power of two, undefined for bitmaps. It is
 * a lower bound for the kernel's capacity, never a value to shrink to, so a count that swings
 * around a threshold causes one growth at most.
 */
export function setCapacity(type: IpSetType, entryCount: number): number | undefined {
  if (type === 'bitmap:port') return undefined;
  let capacity = LEAST_CAPACITY;
  while (capacity < entryCount * 1.5) capacity *= 2;
  return capacity;
}
