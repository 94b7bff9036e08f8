/**
 * Neighbor Solicitations and Advertisements (RFC 4861 §4.3, §4.4) as Ethernet frames. What a
 * receiver must not believe (§7.1) is refused here; which solicitation is answered is not decided
 * here. Extension headers are not looked through: nobody's solicitations have any.
 */
import { type Address, addressFromBytes, isMulticast, isUnspecified } from '../net/address.ts';
import { ByteReader, ByteWriter } from '../net/bytes.ts';
import { isUnicastMac, type MacAddress, macFromBytes, macToBytes } from '../net/macAddress.ts';
import { icmpv6Checksum } from './checksum.ts';
import {
  ETHERNET_HEADER_BYTES,
  type EthernetAddresses,
  ETHERTYPE_IPV6,
  putEthernet,
  readEthernet,
} from './ethernet.ts';
import { solicitedNodeGroup } from './multicast.ts';

/** linux/icmpv6.h, net/ndisc.h */
const NEXT_HEADER_ICMPV6 = 58;
const NEIGHBOR_SOLICITATION = 135;
const NEIGHBOR_ADVERTISEMENT = 136;
const SOURCE_LINK_LAYER_ADDRESS = 1;
const TARGET_LINK_LAYER_ADDRESS = 2;
const ROUTER = 0x80;
const SOLICITED = 0x40;
const OVERRIDE = 0x20;

/** Of a packet that no router has passed on. */
const HOP_LIMIT = 255;
const IPV6_SOURCE = ETHERNET_HEADER_BYTES + 8;
/** Offset of the ICMPv6 message. */
const MESSAGE = ETHERNET_HEADER_BYTES + 40;
const MESSAGE_BYTES = 24;
/** Of a link-layer address; options count in units of 8 bytes. */
const OPTION_BYTES = 8;

interface NeighborPacket extends EthernetAddresses {
  readonly source: Address;
  readonly destination: Address;
  readonly target: Address;
  /** the sender's (solicitation) or the target's (advertisement), where it is told */
  readonly linkLayerAddress: MacAddress | undefined;
}

export interface NeighborSolicitation extends NeighborPacket {
  readonly kind: 'solicitation';
}

export interface NeighborAdvertisement extends NeighborPacket {
  readonly kind: 'advertisement';
  readonly isRouter: boolean;
  /** answers a solicitation, which confirms that the target is reachable */
  readonly isSolicited: boolean;
  /** replaces what the receiver knows */
  readonly isOverride: boolean;
}

export type NeighborMessage = NeighborSolicitation | NeighborAdvertisement;

/**
 * Why a frame is none: cut short or shorter than it says; not ICMPv6; another type or code; a
 * router has passed it on; wrong checksum; a target, source, destination or option that RFC 4861
 * §7.1 forbids.
 */
export type NeighborRefusal =
  | 'short'
  | 'other-protocol'
  | 'other-type'
  | 'hop-limit'
  | 'checksum'
  | 'target'
  | 'source'
  | 'destination'
  | 'option';

/** @returns 86 bytes, or 78 without link-layer address */
export function encodeNeighbor(packet: NeighborMessage): Uint8Array {
  const length = MESSAGE_BYTES + (packet.linkLayerAddress === undefined ? 0 : OPTION_BYTES);
  const out = new ByteWriter(MESSAGE + length);
  putEthernet(out, packet, ETHERTYPE_IPV6);
  out.u32be(0x6000_0000);
  out.u16be(length);
  out.u8(NEXT_HEADER_ICMPV6);
  out.u8(HOP_LIMIT);
  out.address(packet.source);
  out.address(packet.destination);
  out.u8(packet.kind === 'solicitation' ? NEIGHBOR_SOLICITATION : NEIGHBOR_ADVERTISEMENT);
  out.u8(0);
  const checksumAt = out.length;
  out.u16be(0);
  out.u8(flagsOf(packet));
  out.zeros(3);
  out.address(packet.target);
  putLinkLayerAddress(out, packet);
  const frame = out.written();
  out.patchU16be(
    checksumAt,
    icmpv6Checksum(frame.subarray(IPV6_SOURCE, MESSAGE), frame.subarray(MESSAGE)),
  );
  return frame;
}

function flagsOf(packet: NeighborMessage): number {
  if (packet.kind === 'solicitation') return 0;
  const { isRouter, isSolicited, isOverride } = packet;
  return (isRouter ? ROUTER : 0) | (isSolicited ? SOLICITED : 0) | (isOverride ? OVERRIDE : 0);
}

function putLinkLayerAddress(out: ByteWriter, { kind, linkLayerAddress }: NeighborMessage): void {
  if (linkLayerAddress === undefined) return;
  out.u8(optionOf(kind));
  out.u8(OPTION_BYTES / 8);
  out.bytes(macToBytes(linkLayerAddress));
}

function optionOf(kind: NeighborMessage['kind']): number {
  return kind === 'solicitation' ? SOURCE_LINK_LAYER_ADDRESS : TARGET_LINK_LAYER_ADDRESS;
}

/** @param bytes a frame, with or without padding behind what its IPv6 header counts */
export function decodeNeighbor(bytes: Uint8Array): NeighborMessage | NeighborRefusal {
  if (bytes.length < MESSAGE + MESSAGE_BYTES) return 'short';
  const frame = new ByteReader(bytes);
  const { etherType, ...ends } = readEthernet(frame);
  const isIcmpv6 = frame.u8(14) >> 4 === 6 && frame.u8(20) === NEXT_HEADER_ICMPV6;
  if (etherType !== ETHERTYPE_IPV6 || !isIcmpv6) return 'other-protocol';
  const end = MESSAGE + frame.u16be(18);
  if (end < MESSAGE + MESSAGE_BYTES || end > bytes.length) return 'short';
  const kind = kindOf(frame.u8(MESSAGE));
  if (kind === undefined || frame.u8(MESSAGE + 1) !== 0) return 'other-type';
  if (frame.u8(21) !== HOP_LIMIT) return 'hop-limit';
  const message = bytes.subarray(MESSAGE, end);
  if (icmpv6Checksum(bytes.subarray(IPV6_SOURCE, MESSAGE), message) !== 0) return 'checksum';
  const options = readOptions(message, optionOf(kind));
  if (options === undefined) return 'option';
  const packet = {
    ...ends,
    source: addressFromBytes(frame.bytes(IPV6_SOURCE, 16)),
    destination: addressFromBytes(frame.bytes(IPV6_SOURCE + 16, 16)),
    target: addressFromBytes(frame.bytes(MESSAGE + 8, 16)),
    ...options,
  };
  if (kind === 'solicitation') return checked({ kind, ...packet });
  const flags = frame.u8(MESSAGE + 4);
  return checked({
    kind,
    ...packet,
    isRouter: (flags & ROUTER) !== 0,
    isSolicited: (flags & SOLICITED) !== 0,
    isOverride: (flags & OVERRIDE) !== 0,
  });
}

function kindOf(type: number): NeighborMessage['kind'] | undefined {
  if (type === NEIGHBOR_SOLICITATION) return 'solicitation';
  return type === NEIGHBOR_ADVERTISEMENT ? 'advertisement' : undefined;
}

/**
 * Of two link-layer addresses the first counts.
 *
 * @returns undefined where they are broken
 */
function readOptions(
  message: Uint8Array,
  wanted: number,
): Pick<NeighborPacket, 'linkLayerAddress'> | undefined {
  let found: MacAddress | undefined;
  let at = MESSAGE_BYTES;
  while (at < message.length) {
    const length = (message[at + 1] ?? 0) * 8;
    if (length === 0 || at + length > message.length) return undefined;
    if (message[at] === wanted) {
      const mac = macFromBytes(message.subarray(at + 2, at + OPTION_BYTES));
      if (length !== OPTION_BYTES || !isUnicastMac(mac)) return undefined;
      found ??= mac;
    }
    at += length;
  }
  return { linkLayerAddress: found };
}

/** RFC 4861 §7.1.1 and §7.1.2, and that a group never speaks. */
function checked(packet: NeighborMessage): NeighborMessage | NeighborRefusal {
  const { kind, source, sourceMac, destination, target, linkLayerAddress } = packet;
  if (isMulticast(target) || isUnspecified(target)) return 'target';
  if (isMulticast(source) || !isUnicastMac(sourceMac)) return 'source';
  if (kind === 'advertisement') {
    if (isUnspecified(source)) return 'source';
    return packet.isSolicited && isMulticast(destination) ? 'destination' : packet;
  }
  if (!isUnspecified(source)) return packet;
  if (destination !== solicitedNodeGroup(target)) return 'destination';
  return linkLayerAddress === undefined ? packet : 'option';
}
