/**
 * Which addresses can be served or forwarded to at all: what is special on every host is none of a
 * Service's.
 */
import {
  type Address,
  isBroadcast,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isUnspecified,
} from '../net/address.ts';
import { parseSloppyAddress } from '../net/sloppy.ts';

const SPECIAL: readonly (readonly [(address: Address) => boolean, string])[] = [
  [isUnspecified, 'is the unspecified address'],
  [isLoopback, 'is a loopback address'],
  [isLinkLocal, 'is a link-local address'],
  [isMulticast, 'is a multicast address'],
  [isBroadcast, 'is the broadcast address'],
];

/** @returns the canonical address, or the reason why it will not do: `is a loopback address` */
export function usableAddress(text: string): { address: Address } | { reason: string } {
  const address = parseSloppyAddress(text);
  if (address === undefined) return { reason: 'is not an IP address' };
  const special = SPECIAL.find(([is]) => is(address));
  return special === undefined ? { address } : { reason: special[1] };
}
