/**
 * The ipsets that the fixed rules refer to: names, types, comments, and how a member is written. Which members a Service
 * contributes is decided in frontends.ts; which rules look at a set, in natRules.ts and filterRules.ts. The first
 * seventeen are kube-proxy's (other programs look for them); the last four are ours and follow the same naming.
 */
import { type Address, compareAddresses } from '../net/address.ts';
import type { Family, Protocol } from '../net/family.ts';
import { type Prefix, addressBits, formatPrefix, prefixOf } from '../net/prefix.ts';
import type { IpSetType } from '../dataplane/state.ts';

export interface SetDefinition {
  /** the IPv4 name; {@link setName} gives that of a family */
  readonly name: string;
  readonly type: IpSetType;
  /** comment of the rules that match it, as kube-proxy writes it */
  readonly comment: string;
}

/** In the order in which they are created and listed. */
export const SET_DEFINITIONS = [
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
  // Ours from here on. Outside traffic to these ip:port (node address and nodePort included) is dropped: policy Local,
  // no local endpoint. kube-proxy sends it to another node unmasqueraded, where it times out.
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
  // `VIP,proto:endpointPort,endpointIP`, matched src,dst,dst in filter OUTPUT, where IPVS has already rewritten the
  // destination: processes of this node must not reach a restricted LB address that does not admit the node.
  // One rule instead of kube-proxy's one per address, and no need for the xt_ipvs module.
  {
    name: 'KUBE-LOAD-BALANCER-OUT-DENY',
    type: 'hash:ip,port,ip',
    comment: 'loadBalancerSourceRanges without this node',
  },
] as const satisfies readonly SetDefinition[];

export type SetName = (typeof SET_DEFINITIONS)[number]['name'];

const DEFINITIONS: ReadonlyMap<string, SetDefinition> = new Map(
  SET_DEFINITIONS.map((definition) => [definition.name, definition]),
);

/** IPSET_MAXNAMELEN of linux/ip_set.h without the terminating zero. */
const LONGEST_NAME = 31;

/** Name in the kernel: the first `KUBE-` becomes `KUBE-6-` for IPv6, cut at 31 characters. */
export function setName(name: SetName, family: Family): string {
  return family === 'IPv4' ? name : name.replace('KUBE-', 'KUBE-6-').slice(0, LONGEST_NAME);
}

export function setDefinition(name: SetName): SetDefinition {
  return DEFINITIONS.get(name)!;
}

/** kube-proxy's capacity: taking over from it replaces no set while this is enough. */
const LEAST_CAPACITY = 65536;

/**
 * The least capacity that leaves room to grow by half: a power of two, undefined for bitmaps. It is a lower bound for the
 * kernel's capacity, never a value to shrink to, so a count that swings around a threshold causes one growth at most.
 */
export function setCapacity(type: IpSetType, entryCount: number): number | undefined {
  if (type === 'bitmap:port') return undefined;
  let capacity = LEAST_CAPACITY;
  while (capacity < entryCount * 1.5) capacity *= 2;
  return capacity;
}

/** Member of a hash:ip,port set: `10.0.0.1,tcp:80`. */
export function addressPortEntry(address: Address, protocol: Protocol, port: number): string {
  return `${address},${protocol.toLowerCase()}:${port}`;
}

/** Member of a hash:ip,port,ip set: `10.0.0.1,tcp:80,10.0.0.2`. */
export function addressPortAddressEntry(
  address: Address,
  protocol: Protocol,
  port: number,
  second: Address,
): string {
  return `${addressPortEntry(address, protocol, port)},${second}`;
}

/** Members of a hash:ip,port,net set for one prefix; two for a /0, which ipset refuses. */
export function addressPortPrefixEntries(
  address: Address,
  protocol: Protocol,
  port: number,
  prefix: Prefix,
): readonly string[] {
  const start = addressPortEntry(address, protocol, port);
  return prefixEntries(prefix).map((entry) => `${start},${entry}`);
}

/** Members of a hash:net set for one prefix, as `ipset save` prints them: a host without length, a /0 as two halves. */
export function prefixEntries(prefix: Prefix): readonly string[] {
  if (prefix.length === addressBits(prefix.family)) return [prefix.address];
  if (prefix.length > 0) return [formatPrefix(prefix)];
  const upperHalf = prefix.family === 'IPv4' ? '128.0.0.0' : '8000::';
  return [prefixOf(prefix.address, 1), prefixOf(upperHalf, 1)].map(formatPrefix);
}

/** A stable order for printing: by address, then the rest by number where it is one. */
export function compareEntries(a: string, b: string): number {
  const [left = '', ...leftRest] = a.split(',');
  const [right = '', ...rightRest] = b.split(',');
  const byFirst = compareFirst(left, right);
  if (byFirst !== 0) return byFirst;
  return leftRest.join().localeCompare(rightRest.join(), 'en', { numeric: true });
}

function compareFirst(a: string, b: string): number {
  if (/^\d+$/.test(a) && /^\d+$/.test(b)) return Number(a) - Number(b);
  const [left = '', leftLength = '128'] = a.split('/');
  const [right = '', rightLength = '128'] = b.split('/');
  return compareAddresses(left, right) || Number(leftLength) - Number(rightLength);
}
