import type { Address } from '../../net/address.ts';

/**
 * Why an address came or went:
 *
 * - first: nobody had it
 * - failover: who had it is silent
 * - handedOver: from or to another node that is up
 * - released: nobody may have it any more, or this node cannot serve it
 * - yielded: the wire said that somebody else has it
 * - gone: it is no address of the cluster any more
 */
export type MoveWhy = 'first' | 'failover' | 'handedOver' | 'released' | 'yielded' | 'gone';

/** An address came to this node or left it. */
export interface Move {
  readonly address: Address;
  readonly isOurs: boolean;
  readonly why: MoveWhy;
  /** that answer for it now */
  readonly interfaces: readonly string[];
  /** for how long the one before had not been heard; of a failover */
  readonly silenceMs?: number;
}
