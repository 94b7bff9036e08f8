/**
 * What a frame from the segment asks and claims, judged by the table of what is answered here:
 * the answer to send, and whose address its sender says it has. Nothing is remembered.
 */
import { type Address, isUnspecified } from '../../net/address.ts';
import { BROADCAST_MAC, type MacAddress } from '../../net/macAddress.ts';
import { type ArpPacket, arpReply, decodeArp, encodeArp } from '../../wire/arp.ts';
import { advertisementFor } from '../../wire/neighborAnswers.ts';
import {
  decodeNeighbor,
  encodeNeighbor,
  type NeighborAdvertisement,
  type NeighborSolicitation,
} from '../../wire/neighborDiscovery.ts';
import type { AnswerTable } from './answerTable.ts';
import type { CarrierInterface } from './carrierInterfaces.ts';

/** Somebody else's MAC for an address. */
export interface Claim {
  readonly address: Address;
  readonly mac: MacAddress;
  /** nobody asked for it: an address that is moving, or an answer to somebody's probe in IPv6 */
  readonly isAnnouncement: boolean;
}

export interface Judgement {
  /**
   * Of a request: `answered`, `other-address` (not ours there), `own-frame`, `other-station` (to
   * neither our MAC nor a group), `announcement` (nothing is asked), `no-source` (no IPv6 address
   * to answer from). Of what is no packet, why. Undefined: nothing was asked.
   */
  readonly outcome: string | undefined;
  /** a whole frame */
  readonly answer?: Uint8Array;
  readonly claim?: Claim;
}

const NOTHING: Judgement = { outcome: undefined };

/** @param frame as a socket of that interface, bound to ARP, got it */
export function judgeArp(
  frame: Uint8Array,
  { name, mac }: CarrierInterface,
  table: AnswerTable,
): Judgement {
  const packet = decodeArp(frame);
  if (typeof packet === 'string') return { outcome: packet };
  const isRequest = packet.operation === 'request';
  if (table.isOwnMac(packet.senderMac)) return isRequest ? { outcome: 'own-frame' } : NOTHING;
  const claim = arpClaim(packet);
  const told = claim === undefined ? {} : { claim };
  if (!isRequest) return { outcome: undefined, ...told };
  if (claim?.isAnnouncement === true) return { outcome: 'announcement', claim };
  const { destinationMac, targetAddress } = packet;
  if (destinationMac !== BROADCAST_MAC && destinationMac !== mac) {
    return { outcome: 'other-station', ...told };
  }
  if (!table.answers(targetAddress, name)) return { outcome: 'other-address', ...told };
  return { outcome: 'answered', answer: encodeArp(arpReply(packet, mac)), ...told };
}

/** A probe has no sender address, and claims none (RFC 5227 §2.1.1). */
function arpClaim({ senderAddress, senderMac, targetAddress }: ArpPacket): Claim | undefined {
  if (isUnspecified(senderAddress)) return undefined;
  const isAnnouncement = senderAddress === targetAddress;
  return { address: senderAddress, mac: senderMac, isAnnouncement };
}

/** @param frame as a socket of that interface, bound to IPv6, got it */
export function judgeNeighbor(
  frame: Uint8Array,
  carrier: CarrierInterface,
  table: AnswerTable,
): Judgement {
  const packet = decodeNeighbor(frame);
  if (typeof packet === 'string') return { outcome: packet };
  const mac = packet.linkLayerAddress ?? packet.sourceMac;
  const isOwn = table.isOwnMac(mac) || table.isOwnMac(packet.sourceMac);
  if (packet.kind === 'advertisement') return isOwn ? NOTHING : judgeAdvertisement(packet, mac);
  if (isOwn) return { outcome: 'own-frame' };
  return judgeSolicitation(packet, mac, carrier, table);
}

function judgeAdvertisement(packet: NeighborAdvertisement, mac: MacAddress): Judgement {
  const claim = { address: packet.target, mac, isAnnouncement: !packet.isSolicited };
  return { outcome: undefined, claim };
}

function judgeSolicitation(
  packet: NeighborSolicitation,
  mac: MacAddress,
  { name, mac: ownMac, neighborSource }: CarrierInterface,
  table: AnswerTable,
): Judgement {
  const { source, target } = packet;
  const told = isUnspecified(source)
    ? {}
    : { claim: { address: source, mac, isAnnouncement: false } };
  if (!table.answers(target, name)) return { outcome: 'other-address', ...told };
  if (neighborSource === undefined) return { outcome: 'no-source', ...told };
  const answer = advertisementFor(packet, { mac: ownMac, linkLocal: neighborSource });
  return { outcome: 'answered', answer: encodeNeighbor(answer), ...told };
}
