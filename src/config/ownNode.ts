/**
 * The Node object of this machine: how `bindAddress` changes what it says, and what it means that
 * there is none.
 */
import { interfaceAddresses } from '../desired/nodeAddresses.ts';
import type { Doors } from '../model/clusterStore.ts';
import type { HostNetwork } from '../model/host.ts';
import type { Problem } from '../model/problem.ts';
import type { NodeResource } from '../model/resources.ts';
import { type Address, familyOf, isUnspecified } from '../net/address.ts';
import type { SourceSettings } from './resolve.ts';

/**
 * A specific bindAddress stands for the node's address of its family and comes first (its family is
 * the primary one).
 *
 * @see kubernetes cmd/kube-proxy/app/server.go, detectNodeIPs
 */
function withBindAddress(node: NodeResource, bindAddress: Address): NodeResource {
  const family = familyOf(bindAddress);
  const others = node.addresses.filter((address) => familyOf(address) !== family);
  return { ...node, addresses: [bindAddress, ...others] };
}

/** How `bindAddress` changes this machine's Node, before anybody sees it. */
export function ownNodeDoor(nodeName: string, bindAddress: Address): Doors {
  if (isUnspecified(bindAddress)) return {};
  return { Node: (node) => (node.name === nodeName ? withBindAddress(node, bindAddress) : node) };
}

/**
 * @param nodes all of the cluster; manifests without any are no cluster that could have this one
 * @returns nothing when one of them has this machine's name
 */
export function ownNodeProblem(
  source: Pick<SourceSettings, 'kind'>,
  { nodeName, ...host }: HostNetwork,
  nodes: ReadonlyMap<string, NodeResource>,
): Problem | undefined {
  const isOutside = source.kind === 'manifests' && nodes.size === 0;
  if (isOutside || nodes.has(nodeName)) return undefined;
  const problem = `there is no Node of this name${likelyName(nodeName, interfaceAddresses({ nodeName, ...host }), nodes)}`;
  return { path: `Node/${nodeName}`, value: undefined, problem, consequence: 'NodeUnknown' };
}

/** Names differ by a domain, by capitals, or by what a cloud provider calls its machines. */
function likelyName(
  nodeName: string,
  addresses: readonly Address[],
  nodes: ReadonlyMap<string, NodeResource>,
): string {
  for (const [name, node] of nodes) {
    const address = node.addresses.find((each) => addresses.includes(each));
    if (address !== undefined)
      return `, but Node ${name} carries this host's address ${address}: give --hostname-override=${name}`;
  }
  const [short] = nodeName.split('.');
  const like = [...nodes.keys()].find((name) => name.split('.')[0] === short);
  if (like !== undefined)
    return `, but there is Node ${like}: give --hostname-override=${like} if that is this machine`;
  return "; give the name of this machine's Node with --hostname-override";
}
