import { describe, expect, test } from '@jest/globals';
import { announcementFrames } from '../../../../src/loadbalancer/responder/announcementFrames.ts';
import { AnswerTable } from '../../../../src/loadbalancer/responder/answerTable.ts';
import type { CarrierInterface } from '../../../../src/loadbalancer/responder/carrierInterfaces.ts';
import { judgeArp, judgeNeighbor } from '../../../../src/loadbalancer/responder/frames.ts';
import {
  type ArpPacket,
  arpProbe,
  arpReply,
  decodeArp,
  encodeArp,
  gratuitousArp,
} from '../../../../src/wire/arp.ts';
import {
  advertisementFor,
  neighborProbe,
  unsolicitedAdvertisement,
} from '../../../../src/wire/neighborAnswers.ts';
import { solicitedNodeGroup } from '../../../../src/wire/multicast.ts';
import {
  decodeNeighbor,
  encodeNeighbor,
  type NeighborSolicitation,
} from '../../../../src/wire/neighborDiscovery.ts';
import { changed } from '../../../support/wire/frames.ts';

const V4 = '192.0.2.64';
const V6 = '2001:db8:1::64';
const CLIENT = '02:00:00:00:00:0a';
const BROADCAST = 'ff:ff:ff:ff:ff:ff';

const carrier = (name: string, last: string): CarrierInterface => ({
  name,
  ifindex: 2,
  mac: `02:00:00:00:00:${last.padStart(2, '0')}`,
  addresses: [],
  prefixes: [],
  defaultRoute: [],
  neighborSource: `fe80::${last}`,
});
const eth0 = carrier('eth0', 'b');
const eth1 = carrier('eth1', '1b');

function table(): AnswerTable {
  const answers = new AnswerTable();
  answers.setCarriers([eth0, eth1]);
  answers.set(V4, ['eth0']);
  answers.set(V6, ['eth0']);
  return answers;
}

const request: ArpPacket = {
  destinationMac: BROADCAST,
  sourceMac: CLIENT,
  operation: 'request',
  senderMac: CLIENT,
  senderAddress: '192.0.2.10',
  targetMac: '00:00:00:00:00:00',
  targetAddress: V4,
};
const arp = (fields: Partial<ArpPacket> = {}, on = eth0) =>
  judgeArp(encodeArp({ ...request, ...fields }), on, table());
/** What the client says of itself with every request. */
const claim = { address: '192.0.2.10', mac: CLIENT, isAnnouncement: false };

describe('ARP', () => {
  test.each([
    ['to everybody', BROADCAST],
    ['to us alone, by which a neighbour is checked', eth0.mac],
  ])('a request is answered with the MAC of the interface: %s', (_, destinationMac) => {
    const { outcome, answer } = arp({ destinationMac });
    expect(outcome).toBe('answered');
    expect(decodeArp(answer!)).toEqual({
      destinationMac: CLIENT,
      sourceMac: eth0.mac,
      operation: 'reply',
      senderMac: eth0.mac,
      senderAddress: V4,
      targetMac: CLIENT,
      targetAddress: '192.0.2.10',
    });
  });

  test('a probe is answered, and claims nothing', () => {
    const judged = judgeArp(encodeArp(arpProbe(CLIENT, V4)), eth0, table());
    expect(judged).toMatchObject({ outcome: 'answered' });
    expect(judged).not.toHaveProperty('claim');
    expect(decodeArp(judged.answer!)).toMatchObject({
      destinationMac: CLIENT,
      targetAddress: '0.0.0.0',
    });
  });

  test.each<[string, string, Partial<ArpPacket>, CarrierInterface]>([
    ['of another address', 'other-address', { targetAddress: '192.0.2.65' }, eth0],
    ['on another interface', 'other-address', {}, eth1],
    ['to another station', 'other-station', { destinationMac: eth1.mac }, eth0],
    ['from our own MAC', 'own-frame', { senderMac: eth0.mac }, eth0],
    ['from our other MAC', 'own-frame', { senderMac: eth1.mac }, eth0],
  ])('a request is not answered: %s', (_, outcome, fields, on) => {
    const judged = arp(fields, on);
    expect(judged.outcome).toBe(outcome);
    expect(judged).not.toHaveProperty('answer');
    expect(judged.claim).toEqual(outcome === 'own-frame' ? undefined : claim);
  });

  test('an announcement by somebody else is no question, and claims the address', () => {
    const theirs = { address: V4, mac: CLIENT, isAnnouncement: true };
    for (const [operation, outcome] of [
      ['request', 'announcement'],
      ['reply', undefined],
    ] as const) {
      const frame = encodeArp(gratuitousArp(operation, CLIENT, V4));
      expect(judgeArp(frame, eth0, table())).toEqual({ outcome, claim: theirs });
    }
  });

  test('an answer by somebody else claims the address, one of our own nothing', () => {
    const theirs = arpReply({ ...request, senderMac: eth0.mac }, '02:00:00:00:00:99');
    expect(judgeArp(encodeArp(theirs), eth0, table())).toEqual({
      outcome: undefined,
      claim: { address: V4, mac: '02:00:00:00:00:99', isAnnouncement: false },
    });
    const ours = encodeArp(arpReply(request, eth1.mac));
    expect(judgeArp(ours, eth0, table())).toEqual({ outcome: undefined });
  });

  test('what is no packet is told why', () => {
    const frame = encodeArp(request);
    expect(judgeArp(frame.subarray(0, 41), eth0, table())).toEqual({ outcome: 'short' });
    expect(judgeArp(changed(frame, 18, 7), eth0, table())).toEqual({ outcome: 'other-network' });
  });

  test('what is silent again is not answered', () => {
    const answers = table();
    answers.delete(V4);
    expect(judgeArp(encodeArp(request), eth0, answers).outcome).toBe('other-address');
    answers.set(V4, ['eth0', 'eth1']);
    answers.set(V4, ['eth1']);
    expect(judgeArp(encodeArp(request), eth0, answers).outcome).toBe('other-address');
    expect(judgeArp(encodeArp(request), eth1, answers).outcome).toBe('answered');
  });
});

const group = solicitedNodeGroup(V6);
const solicitation: NeighborSolicitation = {
  kind: 'solicitation',
  destinationMac: '33:33:ff:00:00:64',
  sourceMac: CLIENT,
  source: '2001:db8:1::a',
  destination: group,
  target: V6,
  linkLayerAddress: CLIENT,
};
const neighbor = (fields: Partial<NeighborSolicitation> = {}, on = eth0) =>
  judgeNeighbor(encodeNeighbor({ ...solicitation, ...fields }), on, table());

describe('Neighbor Discovery', () => {
  test.each<[string, Partial<NeighborSolicitation>]>([
    ['to the group', {}],
    ['to us alone', { destinationMac: eth0.mac, destination: V6 }],
  ])('a solicitation is answered from the link-local address: %s', (_, fields) => {
    const { outcome, answer } = neighbor(fields);
    expect(outcome).toBe('answered');
    expect(decodeNeighbor(answer!)).toEqual({
      kind: 'advertisement',
      destinationMac: CLIENT,
      sourceMac: eth0.mac,
      source: 'fe80::b',
      destination: '2001:db8:1::a',
      target: V6,
      linkLayerAddress: eth0.mac,
      isRouter: false,
      isSolicited: true,
      isOverride: false,
    });
  });

  test('whoever wants the address for itself is told before everybody', () => {
    const judged = judgeNeighbor(encodeNeighbor(neighborProbe(CLIENT, V6)), eth0, table());
    expect(judged).not.toHaveProperty('claim');
    expect(decodeNeighbor(judged.answer!)).toMatchObject({
      destinationMac: '33:33:00:00:00:01',
      destination: 'ff02::1',
      isSolicited: false,
      isOverride: true,
    });
  });

  test.each<[string, string, Partial<NeighborSolicitation>, CarrierInterface]>([
    ['of another address', 'other-address', { target: '2001:db8:2::64', destination: group }, eth0],
    ['on another interface', 'other-address', {}, eth1],
    ['where there is no IPv6', 'no-source', {}, { ...eth0, neighborSource: undefined }],
    ['from our own MAC', 'own-frame', { sourceMac: eth1.mac }, eth0],
    ['for our own MAC', 'own-frame', { linkLayerAddress: eth0.mac }, eth0],
  ])('a solicitation is not answered: %s', (_, outcome, fields, on) => {
    const judged = neighbor(fields, on);
    expect(judged.outcome).toBe(outcome);
    expect(judged).not.toHaveProperty('answer');
  });

  test('a solicitation claims the address that it comes from', () => {
    expect(neighbor({ source: V6, target: '2001:db8:2::64' }).claim).toEqual({
      address: V6,
      mac: CLIENT,
      isAnnouncement: false,
    });
  });

  test('advertisements of others claim their target, asked for or not', () => {
    const speaker = { mac: CLIENT, linkLocal: 'fe80::a' };
    const judged = (packet: Parameters<typeof encodeNeighbor>[0]) =>
      judgeNeighbor(encodeNeighbor(packet), eth0, table());
    expect(judged(unsolicitedAdvertisement(V6, speaker))).toEqual({
      outcome: undefined,
      claim: { address: V6, mac: CLIENT, isAnnouncement: true },
    });
    expect(judged(advertisementFor(solicitation, speaker)).claim?.isAnnouncement).toBe(false);
    expect(judged(unsolicitedAdvertisement(V6, { ...speaker, mac: eth1.mac }))).toEqual({
      outcome: undefined,
    });
  });

  test.each([
    ['a router has passed it on', 'hop-limit', [21, 254]],
    ['its checksum is wrong', 'checksum', [57, 0xff]],
    ['it is cut short', 'short', [18, 0, 12]],
  ] as const)('what is not to be believed is told why: %s', (_, outcome, [at, ...bytes]) => {
    const frame = changed(encodeNeighbor(solicitation), at, ...bytes);
    expect(judgeNeighbor(frame, eth0, table())).toEqual({ outcome });
  });
});

describe('what is sent unasked', () => {
  const sent = (kind: Parameters<typeof announcementFrames>[0], address: string) =>
    announcementFrames(kind, address, eth0).map((frame) =>
      address === V4 ? decodeArp(frame) : decodeNeighbor(frame),
    );
  const speaker = { mac: eth0.mac, linkLocal: 'fe80::b' };

  test('a take-over and a defence by both kinds of ARP, or an overriding advertisement', () => {
    for (const kind of ['takeover', 'defence'] as const) {
      expect(sent(kind, V4)).toEqual([
        gratuitousArp('request', eth0.mac, V4),
        gratuitousArp('reply', eth0.mac, V4),
      ]);
      expect(sent(kind, V6)).toEqual([unsolicitedAdvertisement(V6, speaker)]);
    }
  });

  test('a refresh also asks whether anybody else has the address; a probe only asks', () => {
    expect(sent('refresh', V4)).toEqual([
      gratuitousArp('request', eth0.mac, V4),
      arpProbe(eth0.mac, V4),
    ]);
    expect(sent('refresh', V6)).toEqual([
      unsolicitedAdvertisement(V6, speaker),
      neighborProbe(eth0.mac, V6),
    ]);
    expect(sent('probe', V4)).toEqual([arpProbe(eth0.mac, V4)]);
    expect(sent('probe', V6)).toEqual([neighborProbe(eth0.mac, V6)]);
  });

  test('without an IPv6 address nothing is announced, but asked', () => {
    const mute = { mac: eth0.mac, neighborSource: undefined };
    expect(announcementFrames('takeover', V6, mute)).toEqual([]);
    expect(announcementFrames('probe', V6, mute)).toHaveLength(1);
  });
});
