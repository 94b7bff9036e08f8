import { describe, expect, test } from '@jest/globals';
import { icmpv6Checksum } from '../../../src/wire/checksum.ts';
import {
  decodeNeighbor,
  encodeNeighbor,
  type NeighborAdvertisement,
  type NeighborMessage,
  type NeighborSolicitation,
} from '../../../src/wire/neighborDiscovery.ts';
import {
  advertisementFor,
  neighborProbe,
  unsolicitedAdvertisement,
} from '../../../src/wire/neighborAnswers.ts';
import { bytesOf, changed, hexOf } from '../../support/wire/frames.ts';

const A = '02:00:00:00:00:0a';
const B = '02:00:00:00:00:0b';
const speaker = { mac: B, linkLocal: 'fe80::ff:fe00:b' };

/** What Linux 6.18 sent between two namespaces, as tcpdump -xx printed it, `icmp6 sum ok`. */
const captured = {
  solicitation: bytesOf(`3333 ff00 000b 0200 0000 000a 86dd 6000 0000 0020 3aff 2001 0db8 0001
    0000 0000 0000 0000 000a ff02 0000 0000 0000 0000 0001 ff00 000b 8700 1c01 0000 0000 2001
    0db8 0001 0000 0000 0000 0000 000b 0101 0200 0000 000a`),
  /** of a router */
  advertisement: bytesOf(`0200 0000 000a 0200 0000 000b 86dd 6000 0000 0020 3aff 2001 0db8 0001
    0000 0000 0000 0000 000b 2001 0db8 0001 0000 0000 0000 0000 000a 8800 0a4a e000 0000 2001
    0db8 0001 0000 0000 0000 0000 000b 0201 0200 0000 000b`),
  unicastSolicitation: bytesOf(`0200 0000 000a 0200 0000 000b 86dd 6000 0000 0020 3aff fe80 0000
    0000 0000 0000 00ff fe00 000b 2001 0db8 0001 0000 0000 0000 0000 000a 8700 1c85 0000 0000
    2001 0db8 0001 0000 0000 0000 0000 000a 0101 0200 0000 000b`),
  shortAdvertisement: bytesOf(`0200 0000 000b 0200 0000 000a 86dd 6000 0000 0018 3aff 2001 0db8
    0001 0000 0000 0000 0000 000a fe80 0000 0000 0000 0000 00ff fe00 000b 8800 de98 4000 0000
    2001 0db8 0001 0000 0000 0000 0000 000a`),
  /** with a nonce (RFC 7527) */
  duplicateCheck: bytesOf(`3333 ff00 000b 0200 0000 000b 86dd 6000 0000 0020 3aff 0000 0000 0000
    0000 0000 0000 0000 0000 ff02 0000 0000 0000 0000 0001 ff00 000b 8700 4d4d 0000 0000 2001
    0db8 0001 0000 0000 0000 0000 000b 0e01 ad31 4fa6 f4a9`),
  /** ndisc_notify */
  announcement: bytesOf(`3333 0000 0001 0200 0000 000b 86dd 6000 0000 0020 3aff fe80 0000 0000
    0000 0000 00ff fe00 000b ff02 0000 0000 0000 0000 0000 0000 0001 8800 597d 2000 0000 fe80
    0000 0000 0000 0000 00ff fe00 000b 0201 0200 0000 000b`),
};

const solicitation: NeighborSolicitation = {
  kind: 'solicitation',
  destinationMac: '33:33:ff:00:00:0b',
  sourceMac: A,
  source: '2001:db8:1::a',
  destination: 'ff02::1:ff00:b',
  target: '2001:db8:1::b',
  linkLayerAddress: A,
};

function decoded(frame: Uint8Array): NeighborMessage {
  const packet = decodeNeighbor(frame);
  if (typeof packet === 'string') throw new Error(packet);
  return packet;
}

/** With the checksum that belongs to it, so that something else is what is wrong. */
function summed(frame: Uint8Array): Uint8Array {
  const copy = changed(frame, 56, 0, 0);
  const sum = icmpv6Checksum(copy.subarray(22, 54), copy.subarray(54));
  return changed(copy, 56, sum >> 8, sum & 0xff);
}

describe('beside the kernel', () => {
  test('its solicitation is read, and written by us it is the same', () => {
    expect(decoded(captured.solicitation)).toEqual(solicitation);
    expect(hexOf(encodeNeighbor(solicitation))).toBe(hexOf(captured.solicitation));
  });

  test.each(Object.entries(captured).filter(([name]) => name !== 'duplicateCheck'))(
    'written again, its %s is the same',
    (_, frame) => {
      expect(hexOf(encodeNeighbor(decoded(frame)))).toBe(hexOf(frame));
    },
  );

  test('a router’s answer says all three flags, one without link-layer address none of it', () => {
    expect(decoded(captured.advertisement)).toMatchObject({
      kind: 'advertisement',
      isRouter: true,
      isSolicited: true,
      isOverride: true,
      linkLayerAddress: B,
    });
    expect(decoded(captured.shortAdvertisement)).toMatchObject({
      isRouter: false,
      isSolicited: true,
      isOverride: false,
      linkLayerAddress: undefined,
    });
  });

  test('our announcement is its own', () => {
    const ours = unsolicitedAdvertisement(speaker.linkLocal, speaker);
    expect(hexOf(encodeNeighbor(ours))).toBe(hexOf(captured.announcement));
  });

  test('our probe is its own, but for the nonce', () => {
    const theirs = decoded(captured.duplicateCheck);
    expect(theirs).toMatchObject({ source: '::', linkLayerAddress: undefined });
    expect(neighborProbe(B, '2001:db8:1::b')).toEqual(theirs);
    expect(encodeNeighbor(neighborProbe(B, '2001:db8:1::b'))).toHaveLength(78);
  });
});

test('an answer is byte for byte what RFC 4861 §4.4 says: S, without R and O', () => {
  const answer = advertisementFor(solicitation, speaker);
  // The sum was made by a program of its own: Python, struct.pack and RFC 1071's loop.
  expect(hexOf(encodeNeighbor(answer))).toBe(
    hexOf(
      bytesOf(`0200 0000 000a 0200 0000 000b 86dd 6000 0000 0020 3aff fe80 0000 0000 0000 0000
        00ff fe00 000b 2001 0db8 0001 0000 0000 0000 0000 000a 8800 da83 4000 0000 2001 0db8
        0001 0000 0000 0000 0000 000b 0201 0200 0000 000b`),
    ),
  );
});

test('a node that has no address yet is answered through everybody, unasked and overriding', () => {
  const asked = decoded(captured.duplicateCheck) as NeighborSolicitation;
  const expected: Partial<NeighborAdvertisement> = {
    destinationMac: '33:33:00:00:00:01',
    source: 'fe80::ff:fe00:b',
    destination: 'ff02::1',
    target: '2001:db8:1::b',
    isSolicited: false,
    isOverride: true,
  };
  expect(advertisementFor(asked, speaker)).toMatchObject(expected);
});

test('whom to answer is said by the option, without it by Ethernet', () => {
  const relayed = { ...solicitation, sourceMac: '02:00:00:00:00:77' };
  expect(advertisementFor(relayed, speaker).destinationMac).toBe(A);
  const unsaid = { ...relayed, linkLayerAddress: undefined };
  expect(advertisementFor(unsaid, speaker).destinationMac).toBe('02:00:00:00:00:77');
});

test('padding behind what the IPv6 header counts does not matter', () => {
  const padded = new Uint8Array(90).fill(0xee);
  padded.set(captured.shortAdvertisement);
  expect(decoded(padded)).toEqual(decoded(captured.shortAdvertisement));
});

const { solicitation: frame, advertisement, shortAdvertisement, duplicateCheck } = captured;
const group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const noAddress = Array<number>(16).fill(0);

test.each([
  ['nothing', new Uint8Array(), 'short'],
  ['a byte less than the shortest', shortAdvertisement.slice(0, -1), 'short'],
  ['a byte less than it says', frame.slice(0, -1), 'short'],
  ['a payload that says less than a message', changed(frame, 18, 0, 23), 'short'],
  ['a payload that says more than there is', changed(frame, 18, 0xff, 0xff), 'short'],
  ['another EtherType', changed(frame, 12, 0x08, 0x00), 'other-protocol'],
  ['IPv4', changed(frame, 14, 0x45), 'other-protocol'],
  ['an extension header', changed(frame, 20, 0), 'other-protocol'],
  ['a router advertisement', changed(frame, 54, 134), 'other-type'],
  ['a redirect', changed(frame, 54, 137), 'other-type'],
  ['another code', changed(frame, 55, 1), 'other-type'],
  ['one that a router passed on', changed(frame, 21, 254), 'hop-limit'],
  ['a flipped bit in the target', changed(frame, 77, 0x0a), 'checksum'],
  ['another sender than summed', changed(frame, 37, 0x0c), 'checksum'],
  ['a group as target', summed(changed(frame, 62, ...group)), 'target'],
  ['no address as target', summed(changed(frame, 62, ...noAddress)), 'target'],
  ['a group as source', summed(changed(frame, 22, ...group)), 'source'],
  ['everybody’s MAC as source', changed(frame, 6, 0xff), 'source'],
  ['nobody who advertises', summed(changed(advertisement, 22, ...noAddress)), 'source'],
  [
    'nobody who asks one node',
    summed(changed(changed(duplicateCheck, 6, 2), 38, 0x20, 1)),
    'destination',
  ],
  [
    'an answer to a question, to everybody',
    summed(changed(advertisement, 38, ...group)),
    'destination',
  ],
  ['nobody who tells its MAC', summed(changed(duplicateCheck, 78, 1)), 'option'],
  ['an option of length 0', summed(changed(frame, 79, 0)), 'option'],
  ['an option beyond the end', summed(changed(frame, 79, 2)), 'option'],
  ['half an option', summed(changed(frame.slice(0, 79), 18, 0, 25)), 'option'],
  ['a group as link-layer address', summed(changed(frame, 80, 0x33)), 'option'],
])('a frame is refused with the reason: %s', (_, wrong, reason) => {
  expect(decodeNeighbor(wrong)).toBe(reason);
});

test('an option of twice the length is no MAC', () => {
  const long = new Uint8Array(94);
  long.set(frame);
  expect(decodeNeighbor(summed(changed(changed(long, 18, 0, 40), 79, 2)))).toBe('option');
});

test('of two link-layer addresses the first counts, and other options are passed over', () => {
  const long = new Uint8Array(102);
  long.set(frame);
  const nonce = [14, 1, 1, 2, 3, 4, 5, 6];
  const first = [1, 1, 2, 0, 0, 0, 0, 0x11];
  const second = [1, 1, 2, 0, 0, 0, 0, 0x22];
  const options = changed(changed(long, 18, 0, 48), 78, ...nonce, ...first, ...second);
  expect(decoded(summed(options)).linkLayerAddress).toBe('02:00:00:00:00:11');
});
