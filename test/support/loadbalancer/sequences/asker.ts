/**
 * Asks a segment over and over who has which address, by frames of its own: each question has a
 * number, which the answers carry as the asker's address. Who answers is not its business.
 */
import { openPacketSocket, type PacketSocket } from '../../../../src/kernel/packetSocket.ts';
import { type Address, addressFromBytes, familyOf } from '../../../../src/net/address.ts';
import { BROADCAST_MAC, ZERO_MAC } from '../../../../src/net/macAddress.ts';
import { encodeArp } from '../../../../src/wire/arp.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from '../../../../src/wire/ethernet.ts';
import { multicastMac, solicitedNodeGroup } from '../../../../src/wire/multicast.ts';
import { encodeNeighbor } from '../../../../src/wire/neighborDiscovery.ts';
import type { Station } from '../../lab/segment.ts';

export class Asker {
  readonly #station: Station;
  readonly #addresses: readonly Address[];
  readonly #sockets: Readonly<Record<'IPv4' | 'IPv6', PacketSocket>>;
  readonly #nextQuestion: () => number;
  #timer: NodeJS.Timeout | undefined;

  /** @param nextQuestion from 1 to 2^22 */
  constructor(station: Station, addresses: readonly Address[], nextQuestion: () => number) {
    this.#station = station;
    this.#addresses = addresses;
    this.#nextQuestion = nextQuestion;
    const { ifindex, namespace } = station;
    const on = { ifindex, networkNamespacePath: namespace.networkNamespacePath };
    this.#sockets = {
      IPv4: openPacketSocket({ ...on, etherType: ETHERTYPE_ARP }),
      IPv6: openPacketSocket({ ...on, etherType: ETHERTYPE_IPV6 }),
    };
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => this.#ask(), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const socket of Object.values(this.#sockets)) socket.close();
  }

  #ask(): void {
    const question = this.#nextQuestion();
    for (const address of this.#addresses) {
      const family = familyOf(address);
      const frame = family === 'IPv4' ? this.#arp(address, question) : this.#ndp(address, question);
      this.#sockets[family].send([frame]);
    }
    // Nobody reads here: what came is the witness's.
    for (const socket of Object.values(this.#sockets)) socket.drain();
  }

  #arp(address: Address, question: number): Uint8Array {
    const { mac } = this.#station;
    return encodeArp({
      destinationMac: BROADCAST_MAC,
      sourceMac: mac,
      operation: 'request',
      senderMac: mac,
      senderAddress: addressFromBytes(numbered(4, 0x6440_0000 + question)),
      targetMac: ZERO_MAC,
      targetAddress: address,
    });
  }

  #ndp(address: Address, question: number): Uint8Array {
    const { mac } = this.#station;
    const group = solicitedNodeGroup(address);
    const source = numbered(16, question);
    source.set([0xfe, 0x80]);
    source[11] = 0x64;
    return encodeNeighbor({
      kind: 'solicitation',
      destinationMac: multicastMac(group),
      sourceMac: mac,
      source: addressFromBytes(source),
      destination: group,
      target: address,
      linkLayerAddress: mac,
    });
  }
}

/** Whose last four bytes are the number: 100.64.0.0/10 and fe80::64:0:0/96 are no station's. */
function numbered(lengthBytes: number, number: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  new DataView(bytes.buffer).setUint32(lengthBytes - 4, number);
  return bytes;
}
