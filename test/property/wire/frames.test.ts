/**
 * What is encoded is decoded to the same; whatever else comes from the wire is refused with a
 * reason, and never throws.
 */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { addressFromBytes, addressToBytes } from '../../../src/net/address.ts';
import { isUnicastMac, macFromBytes } from '../../../src/net/macAddress.ts';
import { type ArpPacket, decodeArp, encodeArp } from '../../../src/wire/arp.ts';
import { multicastMac, solicitedNodeGroup } from '../../../src/wire/multicast.ts';
import {
  decodeNeighbor,
  encodeNeighbor,
  type NeighborMessage,
} from '../../../src/wire/neighborDiscovery.ts';
import { arpFilter, neighborFilter } from '../../../src/wire/socketFilters.ts';
import { runFilter } from '../../support/wire/bpfMachine.ts';

const fixed = (count: number) => fc.uint8Array({ minLength: count, maxLength: count });
const mac = fixed(6).map(macFromBytes);
const unicastMac = mac.filter(isUnicastMac);
const ipv4 = fixed(4).map(addressFromBytes);
/** Neither a group nor `::`. */
const ipv6 = fixed(16).map((bytes) => addressFromBytes(bytes.with(0, 0x20)));

const arpPacket: fc.Arbitrary<ArpPacket> = fc.record({
  destinationMac: mac,
  sourceMac: mac,
  operation: fc.constantFrom('request', 'reply'),
  senderMac: unicastMac,
  senderAddress: ipv4,
  targetMac: mac,
  targetAddress: ipv4,
});

const ends = {
  destinationMac: mac,
  sourceMac: unicastMac,
  source: ipv6,
  destination: ipv6,
  target: ipv6,
};
const linkLayerAddress = fc.option(unicastMac, { nil: undefined });
const neighborMessage: fc.Arbitrary<NeighborMessage> = fc.oneof(
  fc.record({ ...ends, kind: fc.constant('solicitation'), linkLayerAddress }),
  fc.record({
    ...ends,
    kind: fc.constant('advertisement'),
    linkLayerAddress,
    isRouter: fc.boolean(),
    isSolicited: fc.boolean(),
    isOverride: fc.boolean(),
  }),
);

/** Frames as they should be, with some bytes changed, cut off or added. */
const nearly = (frames: fc.Arbitrary<Uint8Array>) =>
  fc
    .tuple(
      frames,
      fc.array(fc.tuple(fc.nat(99), fc.nat(255)), { maxLength: 3 }),
      fc.integer({ min: -90, max: 40 }),
    )
    .map(([frame, changes, more]) => {
      const copy = new Uint8Array(Math.max(0, frame.length + more));
      copy.set(frame.subarray(0, copy.length));
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy;
    });

const arpFrame = arpPacket.map(encodeArp);
const neighborFrame = neighborMessage.map(encodeNeighbor);
const anyFrame = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  nearly(arpFrame),
  nearly(neighborFrame),
);

describe('decode(encode(x)) = x, and the kernel’s filter lets it pass', () => {
  test('ARP', () => {
    fc.assert(
      fc.property(arpPacket, (packet) => {
        const frame = encodeArp(packet);
        expect(decodeArp(frame)).toEqual(packet);
        expect(runFilter(arpFilter(), frame)).toBe(frame.length);
      }),
    );
  });

  test('Neighbor Discovery', () => {
    fc.assert(
      fc.property(neighborMessage, (message) => {
        const frame = encodeNeighbor(message);
        expect(decodeNeighbor(frame)).toEqual(message);
        expect(runFilter(neighborFilter(), frame)).toBe(frame.length);
      }),
    );
  });
});

describe('whatever bytes come', () => {
  test('they are a packet that the filter lets pass, or refused with a reason', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const isArp = typeof decodeArp(frame) !== 'string';
        const isNeighbor = typeof decodeNeighbor(frame) !== 'string';
        expect(isArp && runFilter(arpFilter(), frame) === 0).toBe(false);
        expect(isNeighbor && runFilter(neighborFilter(), frame) === 0).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('nothing beyond the end is looked at: memory around a frame changes nothing', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(255), (frame, filling) => {
        const memory = new Uint8Array(frame.length + 200).fill(filling);
        memory.set(frame, 100);
        const inside = memory.subarray(100, 100 + frame.length);
        expect(decodeArp(inside)).toEqual(decodeArp(frame));
        expect(decodeNeighbor(inside)).toEqual(decodeNeighbor(frame));
      }),
    );
  });

  test('a single flipped bit in a Neighbor message never passes for another one', () => {
    fc.assert(
      fc.property(neighborMessage, fc.nat(), (message, drawn) => {
        const frame = encodeNeighbor(message);
        // From the source address on everything is summed.
        const bit = drawn % ((frame.length - 22) * 8);
        frame[22 + (bit >> 3)]! ^= 1 << (bit & 7);
        expect(typeof decodeNeighbor(frame)).toBe('string');
      }),
    );
  });
});

test('addresses with the same last 24 bits share a group, others do not', () => {
  fc.assert(
    fc.property(ipv6, ipv6, (one, other) => {
      const isSame = last24(one) === last24(other);
      expect(solicitedNodeGroup(one) === solicitedNodeGroup(other)).toBe(isSame);
      const sibling = addressFromBytes(Uint8Array.of(0xfd, ...addressToBytes(one).subarray(1)));
      expect(solicitedNodeGroup(sibling)).toBe(solicitedNodeGroup(one));
      expect(multicastMac(solicitedNodeGroup(one))).toBe(`33:33:ff:${last24(one)}`);
    }),
  );
});

const last24 = (address: string) =>
  Array.from(addressToBytes(address).subarray(13), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join(':');
