/**
 * The responder against other kernels: what they ask is answered for what this node owns, on the
 * interface that is named and no other, and what it announces their neighbour tables show. tcpdump
 * at the switch is the witness.
 */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { ResponderOn } from '../support/lab/responderOn.ts';
import { Segment, sight, type Sniffer, type Station } from '../support/lab/segment.ts';

const describe = await requireNamespaces();

const V4 = '192.0.2.64';
const V6 = '2001:db8:1::64';
const OTHER_MAC = '02:00:00:00:00:99';
const PROBES = { count: 2, gapMs: 100, waitMs: 250 };

describe('a responder', () => {
  let segment: Segment;
  let other: Segment;
  let node: Station;
  let client: Station;
  let responder: ResponderOn;
  let sniffer: Sniffer | undefined;

  beforeAll(async () => {
    segment = await Segment.create();
    other = await Segment.create();
    node = await segment.station(0x0b);
    await other.attach(node.namespace, 'eth1', 0x1b);
    client = await segment.station(0x0a);
    await other.attach(client.namespace, 'eth1', 0x1a);
    await node.ip('address', 'add', '192.0.2.11/24', 'dev', 'eth0');
    await node.ip('address', 'add', '198.51.100.11/24', 'dev', 'eth1');
    await client.ip('address', 'add', '192.0.2.10/24', 'dev', 'eth0');
    await client.ip('address', 'add', '198.51.100.10/24', 'dev', 'eth1');
    await client.ip('address', 'add', '2001:db8:1::a/64', 'dev', 'eth0', 'nodad');
    // An address is answered on its own interface alone, as it is not by default.
    await client.namespace.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1');
    responder = await ResponderOn.start(node.namespace, ['192.0.2.11', '198.51.100.11']);
    const sources = () => responder.interfaces.map(({ neighborSource }) => neighborSource);
    // Link-local addresses are certain after a second or two.
    const isReady = (all: readonly (string | undefined)[]) =>
      all.length === 2 && all.every((each) => each !== undefined);
    await sight(sources, isReady);
  });
  afterEach(async () => {
    await sniffer?.stop();
    sniffer = undefined;
    for (const address of [V4, V6]) await responder.silence(address);
    await client.ip('neighbour', 'flush', 'all');
  });
  afterAll(async () => {
    await responder.stop();
    await segment.remove();
    await other.remove();
  });

  /** So that its kernel must know who has the address. */
  const knock = (address: string) =>
    client.namespace.run('bash', '--norc', '-c', `echo >/dev/udp/${address}/9 || true`);
  const neighbour = (address: string) => client.ip('neighbour', 'show', address);
  const seesNeighbour = (address: string, ...words: readonly string[]) =>
    sight(
      () => neighbour(address),
      (seen) => words.every((word) => seen.includes(word)),
    );
  const linesOf = (witness: Sniffer, ...words: readonly string[]) =>
    witness.lines.filter((line) => words.every((word) => line.includes(word)));

  const seesLines = (witness: Sniffer, count: number, ...words: readonly string[]) =>
    sight(
      () => linesOf(witness, ...words),
      (lines) => lines.length >= count,
    );

  test('its interfaces are told with what others need to know of them', () => {
    expect(responder.interfaces).toMatchObject([
      {
        name: 'eth0',
        ifindex: node.ifindex,
        mac: node.mac,
        addresses: expect.arrayContaining([{ address: '192.0.2.11', prefixLength: 24 }]),
        defaultRoute: [],
        neighborSource: 'fe80::ff:fe00:b',
      },
      { name: 'eth1', mac: '02:00:00:00:00:1b', neighborSource: 'fe80::ff:fe00:1b' },
    ]);
    expect(responder.failures).toEqual([]);
  });

  test.each([
    [V4, 'eth0'],
    [V6, 'eth0'],
  ])('a kernel that asks for an address finds it: %s', async (address, name) => {
    await responder.answer(address, [name]);
    await knock(address);
    expect(await seesNeighbour(address, 'REACHABLE')).toContain(`lladdr ${node.mac} REACHABLE`);
  });

  test('what is not owned is not answered, nor what is owned on another interface', async () => {
    await responder.answer(V4, ['eth0']);
    sniffer = await other.sniff('arp');
    const before = await responder.counters();
    await client.ip('route', 'add', `${V4}/32`, 'dev', 'eth1');
    await knock(V4);
    await knock('198.51.100.77');
    // The kernel gives up after three requests.
    expect(await seesNeighbour(V4, 'FAILED')).toContain('eth1');
    expect(await seesNeighbour('198.51.100.77', 'FAILED')).toContain('eth1');
    await client.ip('route', 'del', `${V4}/32`, 'dev', 'eth1');
    expect(linesOf(sniffer, `Request who-has ${V4}`)).toHaveLength(3);
    expect(linesOf(sniffer, 'Reply')).toEqual([]);
    const { IPv4 } = await responder.counters();
    expect(IPv4['other-address']! - (before.IPv4['other-address'] ?? 0)).toBe(6);
  });

  test('the node’s own addresses are answered by its kernel alone', async () => {
    sniffer = await segment.sniff('arp');
    await responder.answer(V4, ['eth0']);
    for (const address of ['192.0.2.11', V4]) {
      await knock(address);
      expect(await seesNeighbour(address, 'REACHABLE')).toContain(node.mac);
      // An answer to the first one would have come before that to the second.
      await seesLines(sniffer, 1, `Reply ${address} is-at`);
    }
    expect(linesOf(sniffer, 'Reply')).toHaveLength(2);
  });

  test('a kernel that checks whom it knows is answered, by request to this node alone', async () => {
    await responder.answer(V4, ['eth0']);
    sniffer = await segment.sniff('arp');
    const stale = ['lladdr', node.mac, 'dev', 'eth0', 'nud', 'delay'];
    await client.ip('neighbour', 'replace', V4, ...stale);
    expect(await seesNeighbour(V4, 'REACHABLE')).toContain(node.mac);
    await seesLines(sniffer, 1, 'Reply');
    expect(sniffer.lines[0]).toContain(`${client.mac} > ${node.mac}`);
  });

  test('silenced it answers no more', async () => {
    await responder.answer(V4, ['eth0']);
    await responder.answer(V6, ['eth0']);
    await responder.silence(V4);
    await responder.silence(V6);
    for (const address of [V4, V6]) {
      await knock(address);
      expect(await seesNeighbour(address, 'FAILED')).toContain('FAILED');
    }
  });

  test.each([V4, V6])(
    'an announcement moves it from the MAC that was known: %s',
    async (address) => {
      const known = ['lladdr', OTHER_MAC, 'dev', 'eth0', 'nud', 'reachable'];
      await client.ip('neighbour', 'replace', address, ...known);
      await responder.answer(address, ['eth0']);
      expect(await neighbour(address)).toContain(`${OTHER_MAC} REACHABLE`);
      await responder.announce(address);
      expect(await seesNeighbour(address, node.mac)).toContain(`lladdr ${node.mac} STALE`);
    },
  );

  test.each([V4, V6])('it moves to another responder that announces it: %s', async (address) => {
    const second = await segment.station(address === V4 ? 0x0c : 0x0d);
    await second.ip('address', 'add', '192.0.2.12/24', 'dev', 'eth0');
    const successor = await ResponderOn.start(second.namespace, ['192.0.2.12']);
    try {
      await sight(
        () => successor.interfaces[0]?.neighborSource,
        (source) => source !== undefined,
      );
      await responder.setKnown([address]);
      await responder.answer(address, ['eth0']);
      await knock(address);
      expect(await seesNeighbour(address, 'REACHABLE')).toContain(node.mac);
      await successor.answer(address, ['eth0']);
      await successor.announce(address);
      expect(await seesNeighbour(address, second.mac)).toContain(`lladdr ${second.mac}`);
      const seen = { address, mac: second.mac, interfaceName: 'eth0', isAnnouncement: true };
      await sight(
        () => responder.foreign,
        (all) => all.some(({ mac }) => mac === second.mac),
      );
      expect(responder.foreign).toContainEqual(seen);
      await responder.silence(address);
      await client.ip('neighbour', 'flush', 'all');
      await knock(address);
      expect(await seesNeighbour(address, 'REACHABLE')).toContain(second.mac);
    } finally {
      await successor.stop();
      await second.ip('link', 'delete', 'eth0');
    }
  });

  test.each([V4, V6])(
    'a take-over is told five times, on the named interface: %s',
    async (address) => {
      sniffer = await segment.sniff('arp', 'or', '(icmp6 and ip6[40]=136)');
      const elsewhere = await other.sniff('arp', 'or', '(icmp6 and ip6[40]=136)');
      await responder.answer(address, ['eth0']);
      await responder.announce(address);
      const words =
        address === V4
          ? [`Request who-has ${V4} tell ${V4}`, `Reply ${V4} is-at ${node.mac}`]
          : [`fe80::ff:fe00:b > ff02::1: [icmp6 sum ok]`];
      for (const word of words) {
        expect(await seesLines(sniffer, 5, word)).toHaveLength(5);
      }
      expect(linesOf(elsewhere, address)).toEqual([]);
    },
  );

  test('a take-over ends when the address is given away', async () => {
    sniffer = await segment.sniff('arp');
    await responder.answer(V4, ['eth0']);
    await responder.announce(V4);
    await seesLines(sniffer, 1, 'Request', V4);
    await responder.silence(V4);
    const { announcements } = await responder.counters();
    // The rounds of another address, started later, are all through: so are those of this one.
    await responder.answer(V6, ['eth0']);
    await responder.announce(V6);
    const isThrough = ({
      announcements: now,
    }: {
      announcements: Readonly<Record<string, number>>;
    }) => now['takeover']! >= announcements['takeover']! + 5;
    const after = await sight(() => responder.counters(), isThrough);
    expect(after.announcements['takeover']).toBe(announcements['takeover']! + 5);
    expect(linesOf(sniffer, 'Request', V4).length).toBeLessThan(5);
  });

  test.each(['192.0.2.10', '2001:db8:1::a'])(
    'a probe finds a kernel that has it: %s',
    async (address) => {
      expect(await responder.probe(address, ['eth0', 'eth1'], PROBES)).toEqual({
        mac: client.mac,
        interfaceName: 'eth0',
      });
      expect(await client.ip('neighbour', 'show')).not.toContain(node.mac);
    },
  );

  test.each([V4, V6])('a probe of what nobody has gets no answer: %s', async (address) => {
    sniffer = await segment.sniff('arp', 'or', 'icmp6');
    expect(await responder.probe(address, ['eth0'], PROBES)).toBeUndefined();
    const asked = address === V4 ? `who-has ${V4} tell 0.0.0.0` : `:: > ff02::1:ff00:64`;
    expect(await seesLines(sniffer, 2, asked)).toHaveLength(2);
  });

  test('a probe where there is no such interface ends at once', async () => {
    expect(await responder.probe(V4, ['eth7'], PROBES)).toBeUndefined();
  });

  test('a foreign owner is told, by its announcement and by its answer to a probe', async () => {
    await responder.setKnown([V4, V6]);
    await responder.answer(V4, ['eth0']);
    responder.foreign.length = 0;
    await client.namespace.run('sysctl', '-qw', 'net.ipv4.conf.eth0.arp_notify=1');
    await client.ip('address', 'add', `${V4}/24`, 'dev', 'eth0');
    await client.ip('address', 'add', `${V6}/64`, 'dev', 'eth0', 'nodad');
    try {
      expect(await responder.probe(V6, ['eth0'], PROBES)).toMatchObject({ mac: client.mac });
      expect(await responder.probe(V4, ['eth0'], PROBES)).toMatchObject({ mac: client.mac });
      const seen = { mac: client.mac, interfaceName: 'eth0' };
      await sight(
        () => responder.foreign.length,
        (count) => count >= 2,
      );
      expect(responder.foreign).toEqual(
        expect.arrayContaining([
          { ...seen, address: V4, isAnnouncement: false },
          { ...seen, address: V6, isAnnouncement: true },
        ]),
      );
    } finally {
      await client.ip('address', 'del', `${V4}/24`, 'dev', 'eth0');
      await client.ip('address', 'del', `${V6}/64`, 'dev', 'eth0');
    }
  });

  test('it defends an address once, however often it is asked to', async () => {
    sniffer = await segment.sniff('arp');
    await responder.answer(V4, ['eth0']);
    const before = await responder.counters();
    for (let i = 0; i < 5; i++) await responder.defend(V4, 'stranger');
    await seesLines(sniffer, 1, `Reply ${V4} is-at`);
    const after = await responder.counters();
    expect(after.announcements['defence']! - before.announcements['defence']!).toBe(1);
    expect(linesOf(sniffer, `Request who-has ${V4} tell ${V4}`)).toHaveLength(1);
  });

  test('against a node each time: that one gives way when it sees it', async () => {
    sniffer = await segment.sniff('arp');
    await responder.answer(V4, ['eth0']);
    for (let i = 1; i <= 3; i++) {
      await responder.defend(V4, 'node');
      await seesLines(sniffer, i, `Reply ${V4} is-at`);
    }
  });
});
