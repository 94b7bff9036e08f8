// Names and addresses of the lab's cluster, without touching anything: which node, pod and network
// has which address. The underlay is TEST-NET-1 and the IPv6 documentation prefix; pods and
// Services have Kubernetes' usual ranges.

export type IpFamily = 'IPv4' | 'IPv6';
export type PerFamily = Readonly<Record<IpFamily, string>>;

/**
 * A node, a pod or the outside client: a network namespace of that name with one address per family
 * on eth0.
 */
export interface Place {
  readonly name: string;
  readonly addresses: PerFamily;
}

export interface Node extends Place {
  /** 1 for node1. */
  readonly index: number;
  /** Prefix of the node's pods per family; the first address is the node's own on cni0. */
  readonly podCidrs: PerFamily;
}

export interface Pod extends Place {
  readonly node: string;
}

export const serviceCidrs: PerFamily = { IPv4: '10.96.0.0/16', IPv6: 'fd00:10:96::/112' };
export const clusterCidrs: PerFamily = { IPv4: '10.244.0.0/16', IPv6: 'fd00:10:244::/48' };
/**
 * Free for externalIPs and load balancer addresses of Services under test; nobody has them unless a
 * proxy binds them.
 */
export const externalCidrs: PerFamily = { IPv4: '198.51.100.0/24', IPv6: '2001:db8:100::/64' };

/** Prefix lengths of the underlay and of a node's pods. */
export const prefixLength = { IPv4: 24, IPv6: 64 } as const;

export function nodeAt(index: number): Node {
  return {
    name: `node${index}`,
    index,
    addresses: underlay(10 + index),
    podCidrs: { IPv4: `10.244.${index}.0/24`, IPv6: `fd00:10:244:${index}::/64` },
  };
}

export const outsideClient: Place = { name: 'outside', addresses: underlay(100) };

/** The node's own address on cni0, its pods' way out. */
export const gateway = (node: Node): PerFamily => podAddresses(node, 1);

/** @param host last part of both addresses, 1–254 */
export function podAddresses(node: Node, host: number): PerFamily {
  return {
    IPv4: node.podCidrs.IPv4.replace(/0\/24$/, `${host}`),
    IPv6: node.podCidrs.IPv6.replace(/\/64$/, host.toString(16)),
  };
}

function underlay(host: number): PerFamily {
  return { IPv4: `192.0.2.${host}`, IPv6: `2001:db8::${host.toString(16)}` };
}
