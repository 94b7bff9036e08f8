/** The responder with thousands of addresses, and with frames that nobody should send. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { framesOf, openPacketSocket, type PacketSocket } from '../../src/kernel/packetSocket.ts';
import { arpProbe, decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from '../../src/wire/ethernet.ts';
import { solicitedNodeGroup } from '../../src/wire/multicast.ts';
import { neighborProbe } from '../../src/wire/neighborAnswers.ts';
import { decodeNeighbor, encodeNeighbor } from '../../src/wire/neighborDiscovery.ts';
import { patience } from '../lab/patience.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { ResponderOn } from '../support/lab/responderOn.ts';
import { Segment, sight, type Station } from '../support/lab/segment.ts';
import { sendAll } from '../support/lab/sending.ts';
import { changed } from '../support/wire/frames.ts';
import { randomNumbers } from '../support/program/randomNumbers.ts';

const describe = await requireNamespaces();

const V4 = '192.0.2.64';
/** Asked for once other questions are through. */
const LAST = '192.0.2.65';
/** Asked for at a time: more would not fit into the queues of the devices between. */
const WINDOW = 100;

const many = (count: number, addressOf: (high: number, low: number) => string) =>
  Array.from({ length: count }, (_, i) => addressOf(i >> 8, i & 255));
const FOUR = many(4000, (high, low) => `10.64.${high}.${low}`);
/** Each of a group of its own: more than one socket can be a member of. */
const SIX = many(1000, (high, low) => `2001:db8:2::${(0x100 * high + low + 1).toString(16)}`);

describe('a responder under load', () => {
  let segment: Segment;
  let node: Station;
  let client: Station;
  let responder: ResponderOn;
  const sockets: PacketSocket[] = [];

  beforeAll(async () => {
    segment = await Segment.create();
    node = await segment.station(0x0b);
    client = await segment.station(0x0a);
    await node.ip('address', 'add', '192.0.2.11/24', 'dev', 'eth0');
    responder = await ResponderOn.start(node.namespace, ['192.0.2.11']);
    await sight(
      () => responder.interfaces[0]?.neighborSource,
      (source) => source !== undefined,
    );
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });
  afterAll(async () => {
    await responder.stop();
    await segment.remove();
  });

  function open(etherType: number): PacketSocket {
    const { ifindex, namespace } = client;
    const { networkNamespacePath } = namespace;
    const socket = openPacketSocket({ ifindex, etherType, networkNamespacePath });
    sockets.push(socket);
    return socket;
  }

  /** What answers said, as many as there were questions, or fewer where none comes any more. */
  async function askAll(
    socket: PacketSocket,
    addresses: readonly string[],
    question: (address: string) => Uint8Array,
    answered: (frame: Uint8Array) => string | undefined,
  ): Promise<string[]> {
    const answers: string[] = [];
    for (let at = 0; at < addresses.length; at += WINDOW) {
      const window = addresses.slice(at, at + WINDOW);
      expect(socket.send(window.map(question))).toBe(window.length);
      while (answers.length < at + window.length) {
        const frames = [...framesOf(await socket.receive(patience(10_000)))];
        answers.push(...frames.map(answered).filter((each) => each !== undefined));
      }
    }
    return answers;
  }

  const askArp = (address: string) => encodeArp(arpProbe(client.mac, address));
  const answeredArp = (frame: Uint8Array) => {
    const packet = decodeArp(frame);
    if (typeof packet === 'string' || packet.operation !== 'reply') return undefined;
    expect(packet.senderMac).toBe(node.mac);
    return packet.senderAddress;
  };
  const answeredNeighbor = (frame: Uint8Array) => {
    const packet = decodeNeighbor(frame);
    if (typeof packet === 'string' || packet.kind !== 'advertisement') return undefined;
    return packet.linkLayerAddress === node.mac ? packet.target : undefined;
  };

  test('each of 5,000 addresses is answered, once, and the groups of all are joined', async () => {
    await responder.answerAll([...FOUR, ...SIX], ['eth0']);
    expect(await askAll(open(ETHERTYPE_ARP), FOUR, askArp, answeredArp)).toEqual(FOUR);
    const askNeighbor = (address: string) => encodeNeighbor(neighborProbe(client.mac, address));
    expect(await askAll(open(ETHERTYPE_IPV6), SIX, askNeighbor, answeredNeighbor)).toEqual(SIX);
    const missing = async () => {
      const words = await node.ip('maddress', 'show', 'dev', 'eth0');
      const members = new Set(words.split(/\s+/));
      return SIX.map(solicitedNodeGroup).filter((group) => !members.has(group));
    };
    expect(await sight(missing, (groups) => groups.length === 0)).toEqual([]);
    const { IPv4, IPv6, packetDrops } = await responder.counters();
    expect(IPv4).toMatchObject({ answered: FOUR.length });
    expect(IPv6).toMatchObject({ answered: SIX.length });
    expect(packetDrops).toEqual({ eth0: 0 });
    expect(responder.failures).toEqual([]);
  });

  test('and each of them is announced in each of its rounds', async () => {
    await responder.announceAll([...FOUR, ...SIX]);
    const total = 5 * (FOUR.length + SIX.length);
    const isThrough = ({ announcements }: { announcements: Readonly<Record<string, number>> }) =>
      announcements['takeover']! >= total;
    const { announcements } = await sight(() => responder.counters(), isThrough);
    expect(announcements['takeover']).toBe(total);
  });

  test('frames that are none cost a counter and nothing else', async () => {
    await responder.answerAll([V4, LAST], ['eth0']);
    // A switch that looks into multicast lets no packet pass that is shorter than it says.
    await segment.atSwitch('ip', 'link', 'set', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    const arp = open(ETHERTYPE_ARP);
    const ndp = open(ETHERTYPE_IPV6);
    const before = await responder.counters();
    const countsOf = async () => {
      const { IPv4, IPv6 } = await responder.counters();
      const since = (family: 'IPv4' | 'IPv6', outcome: string) =>
        (({ IPv4, IPv6 })[family][outcome] ?? 0) - (before[family][outcome] ?? 0);
      return {
        short: since('IPv4', 'short'),
        groupSender: since('IPv4', 'group-sender'),
        shortNeighbor: since('IPv6', 'short'),
        checksum: since('IPv6', 'checksum'),
      };
    };
    const random = randomNumbers(7);
    const byte = () => Math.floor(256 * random());
    for (let round = 0; round < 200; round++) {
      const good = askArp(V4);
      const question = encodeNeighbor(neighborProbe(client.mac, SIX[0]!));
      const spoiled = (frame: Uint8Array, keep: number) => {
        const copy = frame.slice();
        for (let i = keep; i < copy.length; i++) if (random() < 0.3) copy[i] = byte();
        return copy;
      };
      await sendAll(arp, [
        // Cut after the header that the filter looks at; of another length of addresses; noise.
        good.slice(0, 30 + (byte() % 12)),
        spoiled(good, 16),
        Uint8Array.from({ length: 1500 }, (_, i) => good[i] ?? byte()).fill(0xff, 22, 28),
      ]);
      // One whose header counts less than a question has: switches drop those that are cut short.
      await sendAll(ndp, [changed(question, 18, 0, 8 + (byte() % 16)), spoiled(question, 55)]);
      // Before there is more of it than the responder's sockets have room for.
      if (round % 20 < 19) continue;
      await sight(countsOf, (counts) => Math.min(counts.short, counts.shortNeighbor) > round);
    }
    expect(await asksLast()).toBe(LAST);
    const counts = await countsOf();
    expect(counts.short).toBeGreaterThanOrEqual(200);
    expect(counts.groupSender).toBeGreaterThanOrEqual(200);
    expect(counts.shortNeighbor).toBeGreaterThanOrEqual(200);
    expect(counts.checksum).toBeGreaterThan(100);
    expect(responder.failures).toEqual([]);
  });

  /** Again and again: a question may be lost in what goes before it. */
  function asksLast(): Promise<string | undefined> {
    const socket = open(ETHERTYPE_ARP);
    const ask = async () => {
      socket.send([askArp(LAST)]);
      const frames = await socket.receive(100).catch(() => undefined);
      const all = frames === undefined ? [] : [...framesOf(frames)];
      return all.map(answeredArp).find((address) => address === LAST);
    };
    return sight(ask, (address) => address === LAST);
  }

  test('a flood of requests is answered or counted as lost, and does not end it', async () => {
    await responder.answerAll([V4, LAST], ['eth0']);
    const arp = open(ETHERTYPE_ARP);
    const flood = Array.from({ length: 64 }, (_, i) => askArp(i % 2 === 0 ? V4 : '192.0.2.250'));
    for (let i = 0; i < 500; i++) {
      arp.send(flood);
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await asksLast()).toBe(LAST);
    expect(responder.failures).toEqual([]);
  });
});
