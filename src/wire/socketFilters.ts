/**
 * What a packet socket lets through, so that traffic costs nothing here: ARP of Ethernet, for a
 * socket bound to ETHERTYPE_ARP, and Neighbor Solicitations and Advertisements, for one bound to
 * ETHERTYPE_IPV6. They spare work and decide nothing: what passes is decoded with suspicion.
 */
import { assemble } from './bpf.ts';
import { ETHERTYPE_ARP } from './ethernet.ts';

/** Requests and replies: replies tell of foreign owners. Padding is cut off. */
export const arpFilter = (): Uint8Array =>
  assemble([
    { ldh: 12 },
    { jeq: ETHERTYPE_ARP, jf: 'drop' },
    { ldh: 14 },
    { jeq: 1, jf: 'drop' },
    { ret: 128 },
    { label: 'drop', ret: 0 },
  ]);

/** By the next header of IPv6 and the type of ICMPv6. */
export const neighborFilter = (): Uint8Array =>
  assemble([
    { ldb: 20 },
    { jeq: 58, jf: 'drop' },
    { ldb: 54 },
    { jeq: 135, jt: 'keep' },
    { jeq: 136, jf: 'drop' },
    { label: 'keep', ret: 256 },
    { label: 'drop', ret: 0 },
  ]);
