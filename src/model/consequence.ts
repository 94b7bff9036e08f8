/**
 * What happens because of a problem, as a value: who decides by it compares it, and the end of the
 * problem's sentence is made from it when the problem is printed.
 */

/** How the sentence of a problem with this consequence ends. */
export const ENDINGS = {
  ServiceSkipped: '; this Service is skipped',
  EndpointSliceSkipped: '; this EndpointSlice is skipped',
  NodeSkipped: '; this Node is skipped',
  ObjectSkipped: '; this object is skipped',
  PortSkipped: '; this port is skipped',
  EndpointSkipped: '; this endpoint is skipped',
  AddressSkipped: '; this address is skipped',
  BalancerAddressSkipped: '; this load balancer address is skipped',
  /** what concerns its addresses alone is wrong: it is proxied as it is */
  NotBalanced: '; this Service is given no load balancer address',
  HintSkipped: '; this hint is skipped',
  ConditionSkipped: '; this condition is skipped',
  ValueIgnored: '; it is ignored',
  RangeAdmitsNobody: '; it admits nobody',
  /** the address belongs to another machine */
  AddressNotServed: ': not served here, or this node could no longer reach it; use a free address',
  /** the address is another Service's cluster IP */
  ClusterIPGuarded:
    ': not served here, or who asks for that one could reach this one; use a free address',
  /** the address is this node's own: everything works, so this is a remark */
  AddressNotBound: ': served there, not bound to kube-ipvs0',
  /** it is also somebody else's, whom this node does not reach there any more */
  AddressShared: ': it is served here, and this node reaches nothing else at that address',
  /** two Services want it */
  AddressTaken: '; this one gets it when that one lets go',
  /** two ports of one Service want it */
  PortLeftOut: '; left out',
  /** an endpoint has an address that its own Service binds here */
  CircleLeftOut: ', which is left out: traffic would come back to this node',
  DocumentSkipped: '; this document is skipped',
  LastStateKept: "; the file's last good state stays in force",
  LastVersionKept: '; its last valid version stays in force',
  RefusedByKernel: '; it is left out, everything else is served, and it is tried again',
  NotRemoved: '; it stays in the kernel for now, and it is tried again',
  NodeNotProgrammed: '; it is tried again',
  NodeUnknown:
    '; until there is one, no endpoint counts as one of this node, and its zone, addresses and pod CIDRs are not known',
  NodeGone: '; what it said last is still used, and /healthz tells load balancers to go elsewhere',
  PodsNotTold:
    '; until it has one, traffic from outside the cluster to its ClusterIPs cannot be told from that of pods, so only that of this node itself is masqueraded',
} as const satisfies Readonly<Record<string, string>>;

export type Consequence = keyof typeof ENDINGS;

/** What programs and Events call it: those that differ in their sentence alone have one name. */
export function reasonOf(consequence: Consequence): string {
  if (consequence === 'ClusterIPGuarded') return 'AddressNotServed' satisfies Consequence;
  if (consequence === 'CircleLeftOut') return 'EndpointSkipped' satisfies Consequence;
  return consequence;
}

/** Nothing is missing or different for anybody: worth a line, no warning. */
export function isHarmless(consequence: Consequence): boolean {
  return consequence === 'AddressNotBound';
}

const OBJECT_SKIPPED: ReadonlySet<Consequence> = new Set([
  'ServiceSkipped',
  'EndpointSliceSkipped',
  'NodeSkipped',
  'ObjectSkipped',
]);

/** Nothing of the object can be used; with any other consequence the rest of it is. */
export function skipsObject(consequence: Consequence): boolean {
  return OBJECT_SKIPPED.has(consequence);
}
