/** How `bindAddress` changes what the Node object says of this node. */
import type { NodeResource } from '../model/resources.ts';
import { type Address, familyOf, isUnspecified } from '../net/address.ts';

/**
 * A specific bindAddress stands for the node's address of its family and comes first (its family is the primary one).
 *
 * @see kubernetes cmd/kube-proxy/app/server.go, detectNodeIPs
 */
export function withBindAddress(node: NodeResource, bindAddress: Address): NodeResource {
  if (isUnspecified(bindAddress)) return node;
  const family = familyOf(bindAddress);
  const others = node.addresses.filter((address) => familyOf(address) !== family);
  return { ...node, addresses: [bindAddress, ...others] };
}
