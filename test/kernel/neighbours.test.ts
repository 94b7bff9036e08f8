/**
 * What other kernels make of our frames: their requests are answered through a packet socket, and
 * their neighbour tables show it; tcpdump on the switch looks on.
 */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { framesOf, openPacketSocket, type PacketSocket } from '../../src/kernel/packetSocket.ts';
import {
  arpProbe,
  arpReply,
  decodeArp,
  encodeArp,
  gratuitousArp,
  isArpProbe,
} from '../../src/wire/arp.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from '../../src/wire/ethernet.ts';
import {
  advertisementFor,
  neighborProbe,
  unsolicitedAdvertisement,
} from '../../src/wire/neighborAnswers.ts';
import { decodeNeighbor, encodeNeighbor } from '../../src/wire/neighborDiscovery.ts';
import { arpFilter, neighborFilter } from '../../src/wire/socketFilters.ts';
import { patience } from '../lab/patience.ts';
import { requireIpvs } from '../support/lab/kernelProbe.ts';
import { interfaceIndex, Segment, sight, type Station } from '../support/lab/segment.ts';

// VLANs are not in every kernel; where IPVS is, they are too.
const describe = await requireIpvs();

const V4 = '192.0.2.64';
const V6 = '2001:db8:1::64';

describe('on a segment', () => {
  let segment: Segment;
  let node: Station;
  let client: Station;
  const sockets: PacketSocket[] = [];

  beforeAll(async () => {
    segment = await Segment.create();
    node = await segment.station(0x0b);
    client = await segment.station(0x0a);
    await client.ip('address', 'add', '192.0.2.10/24', 'dev', 'eth0');
    await client.ip('address', 'add', '2001:db8:1::a/64', 'dev', 'eth0', 'nodad');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    await client.ip('neighbour', 'flush', 'dev', 'eth0');
  });
  afterAll(async () => {
    await segment.remove();
  });

  const speaker = () => ({ mac: node.mac, linkLocal: 'fe80::ff:fe00:b' });

  function open(station: Station, etherType: number, ifindex = station.ifindex): PacketSocket {
    const { networkNamespacePath } = station.namespace;
    const filter = etherType === ETHERTYPE_ARP ? arpFilter() : neighborFilter();
    const socket = openPacketSocket({ ifindex, etherType, filter, networkNamespacePath });
    sockets.push(socket);
    return socket;
  }

  /** Hands every frame to `answer` and sends what that says, until the socket is closed. */
  async function respond(
    socket: PacketSocket,
    answer: (frame: Uint8Array) => Uint8Array | undefined,
  ): Promise<void> {
    const serve = async () => {
      for (;;) {
        const frames = [...framesOf(await socket.receive(-1))];
        const answers = frames.map(answer).filter((frame) => frame !== undefined);
        expect(socket.send(answers)).toBe(answers.length);
      }
    };
    await expect(serve()).rejects.toMatchObject({ code: 'ECANCELED' });
  }

  function answerArp(frame: Uint8Array): Uint8Array | undefined {
    const packet = decodeArp(frame);
    if (typeof packet === 'string' || packet.operation !== 'request') return undefined;
    return packet.targetAddress === V4 ? encodeArp(arpReply(packet, node.mac)) : undefined;
  }

  function answerNeighbor(frame: Uint8Array): Uint8Array | undefined {
    const packet = decodeNeighbor(frame);
    if (typeof packet === 'string' || packet.kind !== 'solicitation') return undefined;
    return packet.target === V6 ? encodeNeighbor(advertisementFor(packet, speaker())) : undefined;
  }

  /** So that its kernel must know who has the address. */
  const knock = (address: string) =>
    client.namespace.run('bash', '--norc', '-c', `echo >/dev/udp/${address}/9 || true`);
  const neighbour = (address: string) => client.ip('neighbour', 'show', address, 'dev', 'eth0');

  test('a request of another kernel is answered, and its table has our MAC', async () => {
    const sniffer = await segment.sniff('arp');
    const responding = respond(open(node, ETHERTYPE_ARP), answerArp);
    await knock(V4);
    expect(
      await sight(
        () => neighbour(V4),
        (seen) => seen.includes('REACHABLE'),
      ),
    ).toContain(`${V4} lladdr ${node.mac} REACHABLE`);
    const ethernet = 'ethertype ARP (0x0806), length 42: Ethernet (len 6), IPv4 (len 4),';
    const answered = `${node.mac} > ${client.mac}, ${ethernet} Reply ${V4} is-at ${node.mac}, length 28`;
    expect(
      await sight(
        () => sniffer.lines,
        (lines) => lines.includes(answered),
      ),
    ).toEqual([
      `${client.mac} > ff:ff:ff:ff:ff:ff, ${ethernet} Request who-has ${V4} tell 192.0.2.10, length 28`,
      answered,
    ]);
    for (const socket of sockets) socket.close();
    await responding;
  });

  test('the unicast request, by which a kernel checks whom it knows, is answered too', async () => {
    const sniffer = await segment.sniff('arp');
    const responding = respond(open(node, ETHERTYPE_ARP), answerArp);
    const stale = ['lladdr', node.mac, 'dev', 'eth0', 'nud', 'delay'];
    await client.ip('neighbour', 'replace', V4, ...stale);
    expect(
      await sight(
        () => neighbour(V4),
        (seen) => seen.includes('REACHABLE'),
      ),
    ).toContain('REACHABLE');
    await sight(
      () => sniffer.lines,
      (lines) => lines.length >= 2,
    );
    expect(sniffer.lines[0]).toContain(`${client.mac} > ${node.mac}, ethertype ARP`);
    for (const socket of sockets) socket.close();
    await responding;
  });

  test('a Neighbor Solicitation is answered, and the table has our MAC', async () => {
    const sniffer = await segment.sniff(
      'icmp6',
      'and',
      `(ip6[40]=135 or ip6[40]=136)`,
      'and',
      'host',
      '2001:db8:1::a',
    );
    const socket = open(node, ETHERTYPE_IPV6);
    socket.joinMulticast(Uint8Array.of(0x33, 0x33, 0xff, 0, 0, 0x64));
    const responding = respond(socket, answerNeighbor);
    await knock(V6);
    expect(
      await sight(
        () => neighbour(V6),
        (seen) => seen.includes('REACHABLE'),
      ),
    ).toContain(`${V6} lladdr ${node.mac} REACHABLE`);
    const isAnswer = (line: string) => line.startsWith(`${node.mac} > ${client.mac}`);
    await sight(
      () => sniffer.lines,
      (lines) => lines.some(isAnswer),
    );
    const answer = sniffer.lines.find(isAnswer);
    expect(answer).toContain('fe80::ff:fe00:b > 2001:db8:1::a: [icmp6 sum ok]');
    expect(answer).toContain(`neighbor advertisement, length 32, tgt is ${V6}, Flags [solicited]`);
    expect(answer).toContain(`destination link-address option (2), length 8 (1): ${node.mac}`);
    for (const other of sockets) other.close();
    await responding;
  });

  test('a kernel that wants the address for itself is told that it is taken', async () => {
    const responding = respond(open(node, ETHERTYPE_IPV6), answerNeighbor);
    await client.ip('address', 'add', `${V6}/64`, 'dev', 'eth0');
    const own = () => client.ip('address', 'show', 'dev', 'eth0', 'to', V6);
    expect(await sight(own, (seen) => seen.includes('dadfailed'))).toContain('dadfailed');
    await client.ip('address', 'del', `${V6}/64`, 'dev', 'eth0');
    for (const socket of sockets) socket.close();
    await responding;
  });

  const old = '02:00:00:00:00:99';
  test.each([
    ['a gratuitous request', V4, () => encodeArp(gratuitousArp('request', node.mac, V4))],
    ['a gratuitous reply', V4, () => encodeArp(gratuitousArp('reply', node.mac, V4))],
    [
      'an unsolicited advertisement',
      V6,
      () => encodeNeighbor(unsolicitedAdvertisement(V6, speaker())),
    ],
  ])('%s moves an address from the MAC that a kernel knew', async (_, address, announce) => {
    const known = ['lladdr', old, 'dev', 'eth0', 'nud', 'reachable'];
    await client.ip('neighbour', 'replace', address, ...known);
    expect(await neighbour(address)).toContain(`${old} REACHABLE`);
    const etherType = address === V4 ? ETHERTYPE_ARP : ETHERTYPE_IPV6;
    expect(open(node, etherType).send([announce()])).toBe(1);
    expect(
      await sight(
        () => neighbour(address),
        (seen) => !seen.includes(old),
      ),
    ).toContain(`${address} lladdr ${node.mac} STALE`);
  });

  test('probes find a kernel that has the address, and change nothing in its table', async () => {
    const arp = open(node, ETHERTYPE_ARP);
    arp.send([encodeArp(arpProbe(node.mac, '192.0.2.10'))]);
    const [reply] = [...framesOf(await arp.receive(patience(10_000)))].map(decodeArp);
    expect(reply).toMatchObject({
      operation: 'reply',
      senderMac: client.mac,
      senderAddress: '192.0.2.10',
    });
    expect(typeof reply === 'object' && isArpProbe(reply)).toBe(false);
    const ndp = open(node, ETHERTYPE_IPV6);
    ndp.send([encodeNeighbor(neighborProbe(node.mac, '2001:db8:1::a'))]);
    // The stations' own solicitations, as they come up, are there too.
    const isAnswer = (packet: ReturnType<typeof decodeNeighbor>) =>
      typeof packet === 'object' && packet.target === '2001:db8:1::a';
    let answer;
    while (answer === undefined) {
      const packets = [...framesOf(await ndp.receive(patience(10_000)))].map(decodeNeighbor);
      answer = packets.find(isAnswer);
    }
    expect(answer).toMatchObject({
      kind: 'advertisement',
      destination: 'ff02::1',
      isSolicited: false,
      isOverride: true,
      linkLayerAddress: client.mac,
    });
    expect(await client.ip('neighbour', 'show')).not.toContain(node.mac);
  });

  test('what is tagged for a VLAN is heard on its device alone, without one by nobody', async () => {
    const vlan = async (station: Station, id: number) => {
      const name = `eth0.${id}`;
      await station.ip('link', 'add', 'link', 'eth0', 'name', name, 'type', 'vlan', 'id', `${id}`);
      await station.ip('link', 'set', name, 'up');
      return interfaceIndex(station.namespace, name);
    };
    const tagged = open(client, ETHERTYPE_ARP, await vlan(client, 10));
    const unknown = open(client, ETHERTYPE_ARP, await vlan(client, 20));
    const ofParent = open(node, ETHERTYPE_ARP);
    const ofVlan = open(node, ETHERTYPE_ARP, await vlan(node, 10));
    const asking = (address: string) => [encodeArp(arpProbe(client.mac, address))];
    tagged.send(asking('192.0.2.1'));
    unknown.send(asking('192.0.2.2'));
    open(client, ETHERTYPE_ARP).send(asking('192.0.2.3'));
    const heardBy = async (socket: PacketSocket) =>
      [...framesOf(await socket.receive(patience(10_000)))]
        .map(decodeArp)
        .map((packet) => (typeof packet === 'string' ? packet : packet.targetAddress));
    expect(await heardBy(ofParent)).toEqual(['192.0.2.3']);
    expect(await heardBy(ofVlan)).toEqual(['192.0.2.1']);
  });
});
