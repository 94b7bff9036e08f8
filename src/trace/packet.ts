/** A question to the packet tracer and its answer. */
import type { Address } from '../net/address.ts';
import type { Protocol } from '../net/family.ts';

/** The first of a connection. */
export interface Packet {
  /**
   * absent: sent by a process of this node, which then has the address it connects to where that is
   * local
   */
  readonly inInterface?: string;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  readonly port: number;
}

export type Verdict =
  /** one of these gets it; masqueraded: with an address of this node as its source */
  | { readonly kind: 'endpoints'; readonly endpoints: readonly TracedEndpoint[] }
  /** the client learns at once that nobody answers */
  | { readonly kind: 'refused' }
  /** the client learns nothing */
  | { readonly kind: 'dropped' }
  /** no Service: a socket of this node, if there is one */
  | { readonly kind: 'host' }
  /** not an address of this node: routed on */
  | { readonly kind: 'notLocal' };

export interface TracedEndpoint {
  /** `10.244.1.5:8080` */
  readonly endpoint: string;
  readonly isMasqueraded: boolean;
}
