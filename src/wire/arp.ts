/**
 * ARP for IPv4 over Ethernet (RFC 826), as frames of 42 bytes, and the packets that an address
 * moves by (RFC 5227). Padding to Ethernet's 60 bytes is the driver's. Which request is answered is
 * not decided here.
 */
import { type Address, addressFromBytes, isUnspecified } from '../net/address.ts';
import { ByteReader, ByteWriter } from '../net/bytes.ts';
import {
  BROADCAST_MAC,
  isUnicastMac,
  type MacAddress,
  macFromBytes,
  macToBytes,
  ZERO_MAC,
} from '../net/macAddress.ts';
import {
  ETHERNET_HEADER_BYTES,
  type EthernetAddresses,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  putEthernet,
  readEthernet,
} from './ethernet.ts';

/** linux/if_arp.h: ARPHRD_ETHER, ARPOP_REQUEST, ARPOP_REPLY */
const HARDWARE_ETHERNET = 1;
const OPERATIONS = { request: 1, reply: 2 } as const;

const ARP_FRAME_BYTES = ETHERNET_HEADER_BYTES + 28;

export type ArpOperation = keyof typeof OPERATIONS;

export interface ArpPacket extends EthernetAddresses {
  readonly operation: ArpOperation;
  readonly senderMac: MacAddress;
  readonly senderAddress: Address;
  /** zero where it is asked for */
  readonly targetMac: MacAddress;
  readonly targetAddress: Address;
}

/**
 * Why a frame is none: cut short; another EtherType; ARP of another network than Ethernet and
 * IPv4; neither request nor reply; a sender that is a group or zero.
 */
export type ArpRefusal =
  'short' | 'other-protocol' | 'other-network' | 'other-operation' | 'group-sender';

/** @returns 42 bytes */
export function encodeArp(packet: ArpPacket): Uint8Array {
  const out = new ByteWriter(ARP_FRAME_BYTES);
  putEthernet(out, packet, ETHERTYPE_ARP);
  out.u16be(HARDWARE_ETHERNET);
  out.u16be(ETHERTYPE_IPV4);
  out.u8(6);
  out.u8(4);
  out.u16be(OPERATIONS[packet.operation]);
  out.bytes(macToBytes(packet.senderMac));
  out.address(packet.senderAddress);
  out.bytes(macToBytes(packet.targetMac));
  out.address(packet.targetAddress);
  return out.written();
}

/** @param bytes a frame, with or without padding behind the 42 bytes */
export function decodeArp(bytes: Uint8Array): ArpPacket | ArpRefusal {
  if (bytes.length < ARP_FRAME_BYTES) return 'short';
  const frame = new ByteReader(bytes);
  const { etherType, ...ends } = readEthernet(frame);
  if (etherType !== ETHERTYPE_ARP) return 'other-protocol';
  const isOfIpv4 = frame.u16be(16) === ETHERTYPE_IPV4 && frame.u8(18) === 6 && frame.u8(19) === 4;
  if (frame.u16be(14) !== HARDWARE_ETHERNET || !isOfIpv4) return 'other-network';
  const operation = operationOf(frame.u16be(20));
  if (operation === undefined) return 'other-operation';
  const senderMac = macFromBytes(frame.bytes(22, 6));
  // A reply would go to everybody: nobody's address is that.
  if (!isUnicastMac(senderMac)) return 'group-sender';
  return {
    ...ends,
    operation,
    senderMac,
    senderAddress: addressFromBytes(frame.bytes(28, 4)),
    targetMac: macFromBytes(frame.bytes(32, 6)),
    targetAddress: addressFromBytes(frame.bytes(38, 4)),
  };
}

function operationOf(number: number): ArpOperation | undefined {
  if (number === OPERATIONS.request) return 'request';
  return number === OPERATIONS.reply ? 'reply' : undefined;
}

/** What `mac` answers to whoever asked: the address asked for is its own. */
export function arpReply(request: ArpPacket, mac: MacAddress): ArpPacket {
  return {
    destinationMac: request.senderMac,
    sourceMac: mac,
    operation: 'reply',
    senderMac: mac,
    senderAddress: request.targetAddress,
    targetMac: request.senderMac,
    targetAddress: request.senderAddress,
  };
}

/**
 * Tells everybody that `address` is at `mac`. Stacks differ in which operation they heed.
 *
 * @see RFC 5227 §2.3 and §3: the request is an ARP Announcement
 */
export function gratuitousArp(
  operation: ArpOperation,
  mac: MacAddress,
  address: Address,
): ArpPacket {
  return {
    destinationMac: BROADCAST_MAC,
    sourceMac: mac,
    operation,
    senderMac: mac,
    senderAddress: address,
    targetMac: operation === 'request' ? ZERO_MAC : mac,
    targetAddress: address,
  };
}

/** Asks whether anybody has `address`, without claiming it (RFC 5227 §2.1.1: ARP Probe). */
export function arpProbe(mac: MacAddress, address: Address): ArpPacket {
  return {
    destinationMac: BROADCAST_MAC,
    sourceMac: mac,
    operation: 'request',
    senderMac: mac,
    senderAddress: '0.0.0.0',
    targetMac: ZERO_MAC,
    targetAddress: address,
  };
}

/** It claims no address for its sender. */
export function isArpProbe({ operation, senderAddress }: ArpPacket): boolean {
  return operation === 'request' && isUnspecified(senderAddress);
}
