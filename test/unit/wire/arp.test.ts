import { describe, expect, test } from '@jest/globals';
import {
  type ArpPacket,
  arpProbe,
  arpReply,
  decodeArp,
  encodeArp,
  gratuitousArp,
  isArpProbe,
} from '../../../src/wire/arp.ts';
import { bytesOf, changed, hexOf } from '../../support/wire/frames.ts';

const A = '02:00:00:00:00:0a';
const B = '02:00:00:00:00:0b';

/** What Linux 6.18 sent between two namespaces, as tcpdump -xx printed it. */
const captured = {
  request: bytesOf(`ffff ffff ffff 0200 0000 000a 0806 0001
    0800 0604 0001 0200 0000 000a c000 020a 0000 0000 0000 c000 020b`),
  reply: bytesOf(`0200 0000 000a 0200 0000 000b 0806 0001
    0800 0604 0002 0200 0000 000b c000 020b 0200 0000 000a c000 020a`),
  unicastRequest: bytesOf(`0200 0000 000a 0200 0000 000b 0806 0001
    0800 0604 0001 0200 0000 000b c000 020b 0000 0000 0000 c000 020a`),
  announcement: bytesOf(`ffff ffff ffff 0200 0000 000b 0806 0001
    0800 0604 0001 0200 0000 000b c000 020b 0000 0000 0000 c000 020b`),
};

const request: ArpPacket = {
  destinationMac: 'ff:ff:ff:ff:ff:ff',
  sourceMac: A,
  operation: 'request',
  senderMac: A,
  senderAddress: '192.0.2.10',
  targetMac: '00:00:00:00:00:00',
  targetAddress: '192.0.2.11',
};

function decoded(frame: Uint8Array): ArpPacket {
  const packet = decodeArp(frame);
  if (typeof packet === 'string') throw new Error(packet);
  return packet;
}

describe('beside the kernel', () => {
  test('its request is read, and written by us it is the same', () => {
    expect(decoded(captured.request)).toEqual(request);
    expect(encodeArp(request)).toEqual(captured.request);
  });

  test('our answer to its request is its own', () => {
    expect(encodeArp(arpReply(request, B))).toEqual(captured.reply);
  });

  test('a request by unicast, which checks a neighbour that is known, is answered as well', () => {
    const asked = decoded(captured.unicastRequest);
    expect(asked).toMatchObject({ operation: 'request', destinationMac: A, senderMac: B });
    expect(arpReply(asked, A)).toMatchObject({
      destinationMac: B,
      senderAddress: '192.0.2.10',
      targetMac: B,
      targetAddress: '192.0.2.11',
    });
  });

  test('our announcement is its own (arp_notify)', () => {
    expect(encodeArp(gratuitousArp('request', B, '192.0.2.11'))).toEqual(captured.announcement);
  });
});

test('the announcement of the other kind is a reply to everybody, for itself', () => {
  expect(hexOf(encodeArp(gratuitousArp('reply', B, '192.0.2.11')))).toBe(
    hexOf(
      bytesOf(`ffff ffff ffff 0200 0000 000b 0806 0001
        0800 0604 0002 0200 0000 000b c000 020b 0200 0000 000b c000 020b`),
    ),
  );
});

test('a probe claims nothing and is answered to nobody’s address', () => {
  const probe = arpProbe(A, '192.0.2.64');
  expect(hexOf(encodeArp(probe))).toBe(
    hexOf(
      bytesOf(`ffff ffff ffff 0200 0000 000a 0806 0001
        0800 0604 0001 0200 0000 000a 0000 0000 0000 0000 0000 c000 0240`),
    ),
  );
  expect([probe, request, { ...probe, operation: 'reply' as const }].map(isArpProbe)).toEqual([
    true,
    false,
    false,
  ]);
  expect(arpReply(probe, B)).toMatchObject({
    destinationMac: A,
    senderAddress: '192.0.2.64',
    targetAddress: '0.0.0.0',
  });
});

test('whom to answer is said by ARP, not by Ethernet', () => {
  const forwarded = changed(captured.request, 6, 2, 0, 0, 0, 0, 0x77);
  expect(decoded(forwarded).sourceMac).toBe('02:00:00:00:00:77');
  expect(arpReply(decoded(forwarded), B).destinationMac).toBe(A);
});

test('padding behind it does not count', () => {
  const padded = new Uint8Array(60).fill(0xee);
  padded.set(captured.request);
  expect(decoded(padded)).toEqual(request);
});

test.each([
  ['nothing', new Uint8Array(), 'short'],
  ['a byte less', captured.request.slice(0, -1), 'short'],
  ['another EtherType', changed(captured.request, 12, 0x08, 0x00), 'other-protocol'],
  ['hardware that is no Ethernet', changed(captured.request, 14, 0, 6), 'other-network'],
  ['a protocol that is no IPv4', changed(captured.request, 16, 0x86, 0xdd), 'other-network'],
  ['other sizes of MAC', changed(captured.request, 18, 8), 'other-network'],
  ['other sizes of address', changed(captured.request, 19, 16), 'other-network'],
  ['RARP', changed(captured.request, 20, 0, 3), 'other-operation'],
  ['operation 257', changed(captured.request, 20, 1, 1), 'other-operation'],
  [
    'everybody as sender',
    changed(captured.request, 22, 255, 255, 255, 255, 255, 255),
    'group-sender',
  ],
  ['a group as sender', changed(captured.request, 22, 0x33, 0x33), 'group-sender'],
  ['nobody as sender', changed(captured.request, 22, 0, 0, 0, 0, 0, 0), 'group-sender'],
])('a frame is refused with the reason: %s', (_, frame, reason) => {
  expect(decodeArp(frame)).toBe(reason);
});
