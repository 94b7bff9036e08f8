/**
 * The header of an Ethernet II frame, 14 bytes. Frames are without 802.1Q tags and checksum: the
 * kernel takes tags off before a packet socket sees them, and the device makes the checksum.
 */
import type { ByteReader, ByteWriter } from '../net/bytes.ts';
import { type MacAddress, macFromBytes, macToBytes } from '../net/macAddress.ts';

/** IEEE 802 numbers, linux/if_ether.h (ETH_P_*) */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

export const ETHERNET_HEADER_BYTES = 14;

/** Between which stations a frame goes. */
export interface EthernetAddresses {
  readonly destinationMac: MacAddress;
  readonly sourceMac: MacAddress;
}

export function putEthernet(out: ByteWriter, ends: EthernetAddresses, etherType: number): void {
  out.bytes(macToBytes(ends.destinationMac));
  out.bytes(macToBytes(ends.sourceMac));
  out.u16be(etherType);
}

/** @param frame at least 14 bytes */
export function readEthernet(frame: ByteReader): EthernetAddresses & { etherType: number } {
  return {
    destinationMac: macFromBytes(frame.bytes(0, 6)),
    sourceMac: macFromBytes(frame.bytes(6, 6)),
    etherType: frame.u16be(12),
  };
}
