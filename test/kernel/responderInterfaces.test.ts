/** The responder while interfaces go and come back, and groups that switches are told of. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { framesOf, openPacketSocket } from '../../src/kernel/packetSocket.ts';
import { ETHERTYPE_IPV6 } from '../../src/wire/ethernet.ts';
import { neighborProbe } from '../../src/wire/neighborAnswers.ts';
import { decodeNeighbor, encodeNeighbor } from '../../src/wire/neighborDiscovery.ts';
import { neighborFilter } from '../../src/wire/socketFilters.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { ResponderOn } from '../support/lab/responderOn.ts';
import { Segment, sight, type Sniffer, type Station } from '../support/lab/segment.ts';

const describe = await requireNamespaces();

const V4 = '192.0.2.64';
const V6 = '2001:db8:1::64';
const GROUP = 'ff02::1:ff00:64';

describe('a responder on an interface', () => {
  let segment: Segment;
  let node: Station;
  let client: Station;
  let responder: ResponderOn;

  beforeEach(async () => {
    segment = await Segment.create();
    node = await segment.station(0x0b);
    client = await segment.station(0x0a);
    await node.ip('address', 'add', '192.0.2.11/24', 'dev', 'eth0');
    await client.ip('address', 'add', '192.0.2.10/24', 'dev', 'eth0');
    responder = await ResponderOn.start(node.namespace, ['192.0.2.11']);
  });
  afterEach(async () => {
    await responder.stop();
    await segment.remove();
  });

  const namesWhen = (isSo: (names: string) => boolean) =>
    sight(() => responder.interfaces.map(({ name }) => name).join(), isSo);
  const isUsed = () => namesWhen((names) => names === 'eth0');
  const isUnused = () => namesWhen((names) => names === '');
  const hasIpv6 = () =>
    sight(
      () => responder.interfaces[0]?.neighborSource,
      (source) => source !== undefined,
    );

  async function findsAddress(): Promise<string> {
    await client.ip('neighbour', 'flush', 'dev', 'eth0');
    await client.namespace.run('bash', '--norc', '-c', `echo >/dev/udp/${V4}/9 || true`);
    return sight(
      () => client.ip('neighbour', 'show', V4),
      (seen) => seen.includes('REACHABLE'),
    );
  }

  const linesOf = (witness: Sniffer, count: number, ...words: readonly string[]) =>
    sight(
      () => witness.lines.filter((line) => words.every((word) => line.includes(word))),
      (lines) => lines.length >= count,
    );

  test('that loses its carrier and has it again is told, announced on and answers', async () => {
    await responder.answer(V4, ['eth0']);
    await responder.announce(V4);
    const announced = `Request who-has ${V4} tell ${V4}`;
    await segment.setCable(0x0b, 'down');
    expect(await isUnused()).toBe('');
    const sniffer = await segment.sniff('arp');
    await segment.setCable(0x0b, 'up');
    expect(await isUsed()).toBe('eth0');
    expect(await linesOf(sniffer, 5, announced)).toHaveLength(5);
    expect(await findsAddress()).toContain(node.mac);
    expect(responder.failures).toEqual([]);
  });

  test('that is set down and up again answers, however quickly', async () => {
    await responder.answer(V4, ['eth0']);
    await node.namespace.run(
      'sh',
      '-c',
      'for i in 1 2 3 4 5; do ip link set eth0 down; ip link set eth0 up; done',
    );
    expect(await isUsed()).toBe('eth0');
    expect(await findsAddress()).toContain(node.mac);
    await node.ip('link', 'set', 'eth0', 'down');
    expect(await isUnused()).toBe('');
    await node.ip('link', 'set', 'eth0', 'up');
    expect(await isUsed()).toBe('eth0');
    expect(await findsAddress()).toContain(node.mac);
  });

  test('that is deleted and made again, with another number and MAC, answers with that', async () => {
    await responder.answer(V4, ['eth0']);
    await node.ip('link', 'delete', 'eth0');
    expect(await isUnused()).toBe('');
    const mac = await segment.attach(node.namespace, 'eth0', 0x1b);
    await node.ip('address', 'add', '192.0.2.11/24', 'dev', 'eth0');
    expect(await isUsed()).toBe('eth0');
    expect(responder.interfaces[0]).toMatchObject({ mac });
    expect(responder.interfaces[0]!.ifindex).not.toBe(node.ifindex);
    expect(await findsAddress()).toContain(`lladdr ${mac}`);
    expect(responder.failures).toEqual([]);
  });

  test('whose MAC changes tells everybody', async () => {
    await responder.answer(V4, ['eth0']);
    await responder.announce(V4);
    const mac = '02:00:00:00:00:77';
    const sniffer = await segment.sniff('arp');
    await node.ip('link', 'set', 'eth0', 'address', mac);
    expect(await linesOf(sniffer, 5, `Reply ${V4} is-at ${mac}`)).toHaveLength(5);
    expect(await findsAddress()).toContain(`lladdr ${mac}`);
  });

  test('addresses and the default route are told as they come and go', async () => {
    const told = () =>
      responder.interfaces.flatMap(({ addresses, defaultRoute }) => [
        ...addresses.map(({ address }) => address).filter((each) => !each.startsWith('fe80')),
        ...defaultRoute,
      ]);
    const isTold = (...expected: readonly string[]) =>
      sight(told, (seen) => seen.join() === expected.join());
    await node.ip('address', 'add', '203.0.113.7/25', 'dev', 'eth0');
    await node.ip('route', 'add', 'default', 'via', '192.0.2.1');
    expect(await isTold('192.0.2.11', '203.0.113.7', 'IPv4')).toContain('IPv4');
    await node.ip('route', 'del', 'default');
    expect(await isTold('192.0.2.11', '203.0.113.7')).toEqual(['192.0.2.11', '203.0.113.7']);
    await node.ip('address', 'del', '203.0.113.7/25', 'dev', 'eth0');
    expect(await isTold('192.0.2.11')).toEqual(['192.0.2.11']);
  });

  test('switches are told of the group of an IPv6 address once, and when the last one leaves it', async () => {
    await hasIpv6();
    const sniffer = await segment.sniff('ip6', 'and', 'ip6[6]=0');
    const members = () => node.ip('maddress', 'show', 'dev', 'eth0');
    await responder.answer(V6, ['eth0']);
    await responder.answer('2001:db8:2::64', ['eth0']);
    const joined = `[gaddr ${GROUP} to_ex`;
    expect((await linesOf(sniffer, 1, joined))[0]).toContain('multicast listener report v2');
    expect(await members()).toContain(GROUP);
    await responder.silence(V6);
    expect(await members()).toContain(GROUP);
    await responder.silence('2001:db8:2::64');
    expect((await linesOf(sniffer, 1, `[gaddr ${GROUP} to_in`))[0]).toContain('report v2');
    expect(await members()).not.toContain(GROUP);
  });

  test('a switch that lets only what is asked for pass lets questions to it pass', async () => {
    await hasIpv6();
    await client.ip('address', 'add', '2001:db8:1::a/64', 'dev', 'eth0', 'nodad');
    await responder.answer(V6, ['eth0']);
    // It looks from when it has asked who wants what and waited for answers.
    const setBridge = (...options: readonly string[]) =>
      segment.atSwitch('ip', 'link', 'set', 'br0', 'type', 'bridge', ...options);
    await setBridge('mcast_query_response_interval', '100');
    await setBridge('mcast_snooping', '1', 'mcast_querier', '1');
    const { ifindex, namespace } = client;
    const { networkNamespacePath } = namespace;
    const place = { ifindex, etherType: ETHERTYPE_IPV6, networkNamespacePath };
    const socket = openPacketSocket({ ...place, filter: neighborFilter() });
    const ask = (address: string) =>
      socket.send([encodeNeighbor(neighborProbe(client.mac, address))]);
    const others = async () => (await responder.counters()).IPv6['other-address'] ?? 0;
    const answersV6 = async () => {
      const frames = await socket.receive(100).catch(() => undefined);
      const packets = frames === undefined ? [] : [...framesOf(frames)].map(decodeNeighbor);
      return packets.some((packet) => typeof packet === 'object' && packet.target === V6);
    };
    try {
      /** Whether a question in a group that nobody has joined comes through, and the other does. */
      const lookAt = async () => {
        const before = await others();
        ask('2001:db8:1::7777');
        ask(V6);
        return { isOurs: await answersV6(), isOther: (await others()) > before };
      };
      const seen = await sight(lookAt, ({ isOurs, isOther }) => isOurs && !isOther);
      expect(seen).toEqual({ isOurs: true, isOther: false });
      expect(await segment.atSwitch('bridge', 'mdb', 'show')).toContain(`port11 grp ${GROUP}`);
    } finally {
      socket.close();
    }
  });

  test('groups are joined again on an interface that is made again', async () => {
    await hasIpv6();
    await responder.answer(V6, ['eth0']);
    await node.ip('link', 'delete', 'eth0');
    await isUnused();
    const sniffer = await segment.sniff('ip6', 'and', 'ip6[6]=0');
    await segment.attach(node.namespace, 'eth0', 0x1b);
    await node.ip('address', 'add', '192.0.2.11/24', 'dev', 'eth0');
    await hasIpv6();
    expect(await linesOf(sniffer, 1, `[gaddr ${GROUP} to_ex`)).not.toEqual([]);
    expect(await node.ip('maddress', 'show', 'dev', 'eth0')).toContain(GROUP);
  });

  test('closed it has left everything', async () => {
    await hasIpv6();
    await responder.answer(V6, ['eth0']);
    const members = () => node.ip('maddress', 'show', 'dev', 'eth0');
    expect(await sight(members, (text) => text.includes(GROUP))).toContain(GROUP);
    const sockets = () => node.namespace.run('cat', '/proc/net/packet');
    expect((await sockets()).trim().split('\n')).toHaveLength(3);
    await responder.close();
    expect(await members()).not.toContain(GROUP);
    const open = await sight(sockets, (text) => text.trim().split('\n').length === 1);
    expect(open.trim().split('\n')).toHaveLength(1);
  });

  test('terminated with its worker it leaves nothing, and the process goes on', async () => {
    await hasIpv6();
    await responder.answer(V4, ['eth0']);
    await responder.answer(V6, ['eth0']);
    await responder.announce(V4);
    expect(await responder.terminate()).toBe(0);
    expect(await node.ip('maddress', 'show', 'dev', 'eth0')).not.toContain(GROUP);
  });
});
