/**
 * What it means for a frontend that its address has an owner already. Who gives way to whom follows from who may write what:
 * nobody without the right to can make this node drop what it serves.
 *
 * | owner, and who says so | cluster IP | load balancer address | externalIP |
 * |---|---|---|---|
 * | this node: its interfaces (kernel) | unbound | unbound | unbound |
 * | this node: its own Node's status | — | unbound | unbound |
 * | the default gateway (kernel) | unbound | withheld | withheld |
 * | another Node's InternalIP (its kubelet) | — | withheld | withheld |
 * | another Node's ExternalIP (its kubelet) | — | shared | withheld |
 * | the API server (our configuration, its own slice) | — | withheld | withheld |
 * | pods: a range of a Node's spec | — | withheld | withheld |
 * | pods: the detector's prefix, where no Node has a range | — | — | withheld |
 * | a Pod: endpoint of another Service (whoever writes slices) | — | shared | withheld |
 * | another Service's cluster IP (API server) | claims.ts | claims.ts | withheld |
 *
 * A load balancer's controller may well hand out addresses of nodes (k3s does), and binding those cuts nodes off from each
 * other; that is why InternalIPs count against it though a kubelet is trusted less than a controller.
 */
import type { FrontendKind } from './frontends.ts';

export interface AddressOwner {
  /** unbound: served, not bound to kube-ipvs0; withheld: neither; shared: both, the owner is only told of */
  readonly effect: 'unbound' | 'withheld' | 'shared';
  /** a sentence about the address without its subject */
  readonly problem: string;
}

/** NodePorts are the node's own ports: nobody else has them. */
export type OwnableKind = Exclude<FrontendKind, 'nodePort'>;

export function unbound(description: string): AddressOwner {
  return {
    effect: 'unbound',
    problem: `belongs to ${description}: served there, not bound to kube-ipvs0`,
  };
}

export function withheld(description: string): AddressOwner {
  const reason = 'not served here, or this node could no longer reach it; use a free address';
  return { effect: 'withheld', problem: `belongs to ${description}: ${reason}` };
}

export function shared(description: string): AddressOwner {
  const consequence = 'it is served here, and this node reaches nothing else at that address';
  return { effect: 'shared', problem: `belongs to ${description} too: ${consequence}` };
}
