/**
 * What it means for a frontend that its address has an owner already. Who gives way to whom follows
 * from who may write what: nobody without the right to can make this node drop what it serves.
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
 * A load balancer's controller may well hand out addresses of nodes (k3s does), and binding those
 * cuts nodes off from each other; that is why InternalIPs count against it though a kubelet is
 * trusted less than a controller.
 */
import type { Consequence } from '../model/consequence.ts';
export interface AddressOwner {
  /**
   * unbound: served, not bound to kube-ipvs0; withheld: neither; shared: both, the owner is only
   * told of
   */
  readonly effect: 'unbound' | 'withheld' | 'shared';
  /** what is said of the address: `belongs to node n1` */
  readonly problem: string;
  readonly consequence: Consequence;
}

export function unbound(description: string): AddressOwner {
  const problem = `belongs to ${description}`;
  return { effect: 'unbound', problem, consequence: 'AddressNotBound' };
}

export function withheld(description: string): AddressOwner {
  const problem = `belongs to ${description}`;
  return { effect: 'withheld', problem, consequence: 'AddressNotServed' };
}

export function shared(description: string): AddressOwner {
  const problem = `belongs to ${description} too`;
  return { effect: 'shared', problem, consequence: 'AddressShared' };
}
