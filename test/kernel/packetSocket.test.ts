/**
 * Packet sockets of the addon against a real kernel: two stations on a bridge. Also run under
 * sanitizers, on whatever machine this is. How one begins and ends is in
 * packetSocketLife.test.ts, what is answered through one in neighbours.test.ts.
 */
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import {
  framesOf,
  openPacketSocket,
  type PacketSocket,
  type PacketSocketOptions,
} from '../../src/kernel/packetSocket.ts';
import { arpProbe, decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { assemble } from '../../src/wire/bpf.ts';
import { decodeNeighbor } from '../../src/wire/neighborDiscovery.ts';
import { patience } from '../lab/patience.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { interfaceIndex, Segment, sight, type Station } from '../support/lab/segment.ts';
import { sendAll } from '../support/lab/sending.ts';
import { changed } from '../support/wire/frames.ts';

const describe = await requireNamespaces();

const ARP = 0x0806;
/** A type that nothing on the segment uses by itself: IEEE 802 leaves it for experiments. */
const EXPERIMENT = 0x88b5;
const EVERYBODY = 'ff:ff:ff:ff:ff:ff';

const ADDON =
  process.env['KUBE_IPVS_ADDON'] ??
  new URL('../../build/Release/kube_ipvs.node', import.meta.url).pathname;

/** A frame of the experiment, with a number to tell it by. */
function frame(from: string, to: string, number: number, bytes = 60): Uint8Array {
  const out = new Uint8Array(bytes);
  out.set(Buffer.from(`${to}:${from}`.replaceAll(':', ''), 'hex'));
  const view = new DataView(out.buffer);
  view.setUint16(12, EXPERIMENT);
  view.setUint32(14, number);
  return out;
}

/** Looked at from the start: it may come before anybody waits for it. */
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => error,
  );

const numberOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(14);

describe('a packet socket', () => {
  let segment: Segment;
  let node: Station;
  let client: Station;
  const sockets: PacketSocket[] = [];

  beforeAll(async () => {
    segment = await Segment.create();
    node = await segment.station(0x0b);
    client = await segment.station(0x0a);
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });
  afterAll(async () => {
    await segment.remove();
  });

  function open(station: Station, options: Partial<PacketSocketOptions> = {}): PacketSocket {
    const { ifindex, namespace } = station;
    const { networkNamespacePath } = namespace;
    const socket = openPacketSocket({
      ifindex,
      etherType: EXPERIMENT,
      networkNamespacePath,
      ...options,
    });
    sockets.push(socket);
    return socket;
  }

  /** Copies, until so many have come. */
  async function take(socket: PacketSocket, count: number): Promise<Uint8Array[]> {
    const taken: Uint8Array[] = [];
    while (taken.length < count) {
      const received = await socket.receive(patience(10_000));
      expect(received.lengths.length).toBeLessThanOrEqual(64);
      taken.push(...[...framesOf(received)].map((bytes) => bytes.slice()));
    }
    return taken;
  }

  test('frames arrive whole, in their order, many for one call', async () => {
    const receiver = open(node);
    const numbers = Array.from({ length: 1100 }, (_, i) => i);
    const frames = numbers.map((n) => frame(client.mac, EVERYBODY, n, 60 + (n % 7)));
    const [taken] = await Promise.all([take(receiver, 1100), sendAll(open(client), frames)]);
    expect(taken.map(numberOf)).toEqual(numbers);
    expect(taken.every((bytes, i) => Buffer.compare(bytes, frames[i]!) === 0)).toBe(true);
  });

  test('more frames go by one call than one sendmmsg takes', async () => {
    // UIO_MAXIOV, 1024. A bridge that leads nowhere is never full: it throws away what it is given.
    await client.ip('link', 'add', 'nowhere', 'type', 'bridge');
    await client.ip('link', 'set', 'nowhere', 'up');
    const ifindex = await interfaceIndex(client.namespace, 'nowhere');
    const frames = Array.from({ length: 1100 }, (_, n) => frame(client.mac, EVERYBODY, n));
    expect(open(client, { ifindex }).send(frames)).toBe(1100);
  });

  test('nothing is sent for nothing, and what the device refuses is told', () => {
    const sender = open(client);
    expect(sender.send([])).toBe(0);
    const good = frame(client.mac, EVERYBODY, 1);
    const giant = frame(client.mac, EVERYBODY, 2, 20_000);
    expect(sender.send([good, good, giant, good])).toBe(2);
    const refused = (code: string) => expect.objectContaining({ name: 'KernelError', code });
    expect(() => sender.send([giant, good])).toThrow(refused('EMSGSIZE'));
    // Less than an Ethernet header.
    expect(() => sender.send([new Uint8Array(13)])).toThrow(refused('EINVAL'));
    expect(() => sender.send([new Uint8Array()])).toThrow(refused('EINVAL'));
    expect(sender.send([good])).toBe(1);
  });

  test('what this node sends, and what is for another one, does not arrive', async () => {
    const receiver = open(node);
    const own = open(node);
    expect(own.send([frame(node.mac, EVERYBODY, 1)])).toBe(1);
    const others = [
      frame(client.mac, '02:00:00:00:00:77', 2),
      frame(client.mac, node.mac, 3),
      frame(client.mac, '33:33:00:00:00:01', 4),
      frame(client.mac, EVERYBODY, 5),
    ];
    expect(open(client).send(others)).toBe(4);
    expect((await take(receiver, 3)).map(numberOf)).toEqual([3, 4, 5]);
  });

  test('only its type arrives, of that only what the filter keeps, and so much of it', async () => {
    const ofFilter = (value: number) =>
      assemble([{ ldb: 17 }, { jeq: value, jf: 'drop' }, { ret: 20 }, { label: 'drop', ret: 0 }]);
    const receiver = open(node, { filter: ofFilter(7) });
    const sender = open(client);
    const probe = encodeArp(arpProbe(client.mac, '192.0.2.64'));
    sender.send([probe, ...[5, 6, 7, 8, 7].map((n) => frame(client.mac, EVERYBODY, n))]);
    const taken = await take(receiver, 2);
    expect(taken.map(numberOf)).toEqual([7, 7]);
    expect(taken.map(({ length }) => length)).toEqual([20, 20]);
  });

  test('no frame slips in before the filter, however many there are', async () => {
    const isOver = new Int32Array(new SharedArrayBuffer(4));
    const storm = new Worker(
      `const { PacketSocket } = require(${JSON.stringify(ADDON)});
       const { parentPort, workerData } = require('node:worker_threads');
       const { options, frame, isOver } = workerData;
       const socket = new PacketSocket(options);
       const frames = Array.from({ length: 16 }, () => frame);
       while (Atomics.load(isOver, 0) === 0) parentPort.postMessage(socket.send(frames));`,
      {
        eval: true,
        workerData: {
          options: {
            ifindex: client.ifindex,
            etherType: EXPERIMENT,
            networkNamespacePath: client.namespace.networkNamespacePath,
          },
          frame: frame(client.mac, EVERYBODY, 1),
          isOver,
        },
      },
    );
    let sent = 0;
    storm.on('message', (count: number) => (sent += count));
    const everything = open(node);
    const nothing = assemble([{ ldb: 17 }, { jeq: 2, jf: 'drop' }, { label: 'drop', ret: 0 }]);
    let slipped = 0;
    for (let i = 0; i < 50; i++) {
      const before = sent;
      await sight(
        () => sent,
        (count) => count > before,
      );
      const socket = open(node, { filter: nothing });
      slipped += socket.drain();
      socket.close();
    }
    const hasEnded = new Promise((resolve) => storm.once('exit', resolve));
    Atomics.store(isOver, 0, 1);
    await hasEnded;
    expect(everything.drain()).toBeGreaterThan(0);
    expect(slipped).toBe(0);
  });

  test('a group is joined on the device', async () => {
    open(node).joinMulticast(Uint8Array.of(0x33, 0x33, 0xff, 0xab, 0xcd, 0xef));
    expect(await node.ip('maddress', 'show', 'dev', 'eth0')).toContain('33:33:ff:ab:cd:ef');
    expect(() => open(node).joinMulticast(new Uint8Array(5))).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
  });

  test('what has been queued is thrown away, what comes later is not', async () => {
    const receiver = open(node);
    const sender = open(client);
    sender.send(Array.from({ length: 50 }, (_, n) => frame(client.mac, EVERYBODY, n)));
    let thrownAway = 0;
    await sight(
      () => (thrownAway += receiver.drain()),
      (count) => count >= 50,
    );
    expect(thrownAway).toBe(50);
    expect(receiver.drain()).toBe(0);
    sender.send([frame(client.mac, EVERYBODY, 99)]);
    expect((await take(receiver, 1)).map(numberOf)).toEqual([99]);
  });

  test('of a flood that nobody reads what there was no room for is counted, once', async () => {
    const receiver = open(node);
    const sender = open(client);
    const COUNT = 20_000;
    const wave = Array.from({ length: 500 }, (_, n) => frame(client.mac, EVERYBODY, n, 1514));
    let sent = 0;
    while (sent < COUNT) sent += sender.send(wave);
    let received = 0;
    let dropped = 0;
    while (received + dropped < sent) {
      const some = await receiver.receive(patience(10_000));
      received += some.lengths.length;
      dropped += some.dropped;
    }
    expect(received + dropped).toBe(sent);
    expect(received).toBeGreaterThan(64);
    expect(dropped).toBeGreaterThan(0);
    sender.send([frame(client.mac, EVERYBODY, 1)]);
    expect((await receiver.receive(patience(10_000))).dropped).toBe(0);
  });

  test('short, giant and lying frames are bytes like others', async () => {
    // By a cable without a switch, which would keep the shortest ones.
    const cable = ['direct', 'mtu', '9000', 'type', 'veth', 'peer', 'name', 'direct'];
    await client.ip('link', 'add', ...cable, 'mtu', '9000', 'netns', node.namespace.name);
    const end = async (station: Station) => {
      await station.ip('link', 'set', 'direct', 'up');
      return { etherType: ARP, ifindex: await interfaceIndex(station.namespace, 'direct') };
    };
    const sender = open(client, await end(client));
    const receiver = open(node, await end(node));
    const good = encodeArp(arpProbe(client.mac, '192.0.2.64'));
    const giant = new Uint8Array(9014).fill(0xff);
    giant.set(good.subarray(0, 14));
    const hostile = [
      good.slice(0, 14),
      good.slice(0, 15),
      good.slice(0, 41),
      changed(good, 18, 255, 255),
      changed(good, 22, 255, 255, 255, 255, 255, 255),
      giant,
      good,
    ];
    expect(sender.send(hostile)).toBe(hostile.length);
    const taken = await take(receiver, hostile.length);
    expect(taken).toEqual(hostile.map((bytes) => bytes.slice(0, 2048)));
    expect(taken.map((bytes) => decodeArp(bytes)).slice(0, -1)).toEqual([
      'short',
      'short',
      'short',
      'other-network',
      'group-sender',
      'other-network',
    ]);
    expect(taken.map((bytes) => decodeNeighbor(bytes)).every((r) => typeof r === 'string')).toBe(
      true,
    );
  });

  test('one wait at a time; closing ends it, may be repeated, and leaves nothing to use', async () => {
    const socket = open(node);
    const pending = socket.receive(-1);
    await expect(socket.receive(-1)).rejects.toMatchObject({ code: 'EBUSY' });
    // The rest goes on beside it.
    expect(socket.send([frame(node.mac, EVERYBODY, 1)])).toBe(1);
    expect(socket.drain()).toBe(0);
    socket.close();
    socket.close();
    await expect(pending).rejects.toMatchObject({ code: 'ECANCELED' });
    await expect(socket.receive(1)).rejects.toMatchObject({ code: 'EBADF' });
    const closed = expect.objectContaining({ code: 'EBADF' });
    expect(() => socket.send([])).toThrow(closed);
    expect(() => socket.drain()).toThrow(closed);
    expect(() => {
      socket.joinMulticast(new Uint8Array(6));
    }).toThrow(closed);
  });

  test('waiting in vain is a time-out', async () => {
    await expect(open(node).receive(20)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  test('an interface that goes down, and one that goes away, are told', async () => {
    const station = await segment.station(0x0c);
    const down = expect.objectContaining({ name: 'KernelError', code: 'ENETDOWN' });
    const socket = open(station);
    const pending = refusalOf(socket.receive(-1));
    await station.ip('link', 'set', 'eth0', 'down');
    expect(await pending).toEqual(down);
    expect(() => socket.send([frame(station.mac, EVERYBODY, 1)])).toThrow(down);
    // Opened on an interface that is down: told at the first look.
    await expect(open(station).receive(-1)).rejects.toEqual(down);
    await station.ip('link', 'set', 'eth0', 'up');
    const other = open(station);
    const waiting = refusalOf(other.receive(-1));
    await station.ip('link', 'del', 'eth0');
    expect(await waiting).toEqual(down);
    const gone = (code: string) => expect.objectContaining({ name: 'KernelError', code });
    expect(() => other.send([frame(station.mac, EVERYBODY, 1)])).toThrow(gone('ENXIO'));
    expect(() => open(station)).toThrow(gone('ENODEV'));
  });
});
