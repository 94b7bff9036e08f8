/**
 * What kinds of addresses a service port is reached at, which addresses it asks for, and who comes
 * first where several want one. The one place that lists them: compiling, the budget, and the
 * indexes of who has what all go by it.
 */
import type { ServicePort } from '../model/servicePort.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';

export type FrontendKind = 'clusterIP' | 'externalIP' | 'loadBalancer' | 'nodePort';

/** NodePorts are the node's own ports: nobody else has them. */
export type OwnableKind = Exclude<FrontendKind, 'nodePort'>;

interface KindTraits {
  /**
   * who has an address and port that several want, the lowest first: what the API server allocated,
   * then what a controller wrote into the status, then, which any user may choose, externalIPs
   */
  readonly rank: number;
  /** for people */
  readonly name: string;
}

export const FRONTEND_KINDS: Readonly<Record<FrontendKind, KindTraits>> = {
  clusterIP: { rank: 0, name: 'cluster IP' },
  loadBalancer: { rank: 1, name: 'load balancer address' },
  nodePort: { rank: 2, name: 'NodePort' },
  externalIP: { rank: 3, name: 'externalIP' },
};

/** Addresses of one kind, all with the same port number. */
export interface AskedAddresses {
  readonly kind: FrontendKind;
  readonly addresses: readonly Address[];
  readonly port: number;
}

/** @returns in the order in which frontends are made; a kind may have no address */
export function askedAddresses(
  { clusterIP, externalIPs, loadBalancerIPs, nodePort, port, family }: ServicePort,
  nodePortAddresses: Readonly<Record<Family, readonly Address[]>>,
): readonly AskedAddresses[] {
  return [
    { kind: 'clusterIP', addresses: [clusterIP], port },
    { kind: 'externalIP', addresses: externalIPs, port },
    { kind: 'loadBalancer', addresses: loadBalancerIPs, port },
    {
      kind: 'nodePort',
      addresses: nodePort === 0 ? [] : nodePortAddresses[family],
      port: nodePort,
    },
  ];
}

/** The node's own are nobody's to give. */
export function isOwnable(
  asked: AskedAddresses,
): asked is AskedAddresses & { readonly kind: OwnableKind } {
  return asked.kind !== 'nodePort';
}
