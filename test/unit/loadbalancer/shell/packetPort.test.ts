/** How packet sockets are opened, lost and opened again; frames themselves are in test/kernel. */
import { constants } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { KernelError } from '../../../../src/kernel/errors.ts';
import type { PacketSocket, ReceivedFrames } from '../../../../src/kernel/packetSocket.ts';
import { PacketPort } from '../../../../src/loadbalancer/shell/packetPort.ts';
import { PacketPorts } from '../../../../src/loadbalancer/shell/packetPorts.ts';
import { FakeClock, settle } from '../../../support/program/fakeClock.ts';

const { ENETDOWN, ENODEV, ENXIO, EPERM, ENOBUFS, ECANCELED } = constants.errno;
const refusal = (errno: number) => new KernelError({ op: 'test', errno });
const GONE = [ENETDOWN, ENXIO, ENODEV];

/** A segment: sockets by interface, what they sent, what they are told. */
class PlayedSegment {
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  readonly sent: string[] = [];
  drained = 0;
  refuses: number | undefined;
  room = Infinity;
  #waiting = new Map<string, { tell(frames: ReceivedFrames): void; fail(error: unknown): void }>();

  open = ({ ifindex, etherType }: { ifindex: number; etherType: number }): PacketSocket => {
    const key = `${ifindex}/${etherType.toString(16)}`;
    if (this.refuses !== undefined) throw refusal(this.refuses);
    this.opened.push(key);
    return {
      receive: () =>
        new Promise((tell, fail) => {
          this.#waiting.set(key, { tell, fail });
        }),
      send: (frames) => {
        if (this.refuses !== undefined) throw refusal(this.refuses);
        const count = Math.min(this.room, frames.length);
        for (const [byte] of frames.slice(0, count)) this.sent.push(`${key} ${byte}`);
        return count;
      },
      joinMulticast: () => undefined,
      drain: () => (this.drained += 1),
      close: () => {
        this.closed.push(key);
        this.fail(key, ECANCELED);
      },
    };
  };

  hear(key: string, dropped: number, ...frames: readonly number[]): void {
    const lengths = Uint32Array.from(frames, () => 1);
    this.#waiting.get(key)!.tell({ bytes: Uint8Array.from(frames), lengths, dropped });
  }

  fail(key: string, errno: number): void {
    this.#waiting.get(key)?.fail(refusal(errno));
  }
}

function port() {
  const segment = new PlayedSegment();
  const clock = new FakeClock();
  const failures: string[] = [];
  const options = {
    clock,
    openPacketSocket: segment.open,
    onFailure: (subject: string, error: unknown) =>
      failures.push(`${subject}: ${error === undefined ? 'works' : (error as KernelError).code}`),
    // Every frame is answered by the next number.
    onFrames: (_: string, family: string, frames: Iterable<Uint8Array>) =>
      family === 'IPv4' ? [...frames].map(([byte]) => Uint8Array.of(byte! + 1)) : [],
  };
  return { segment, clock, failures, options };
}

const ARP = '2/806';

describe('a port', () => {
  test('says how many it has answered, and nothing where none was', async () => {
    const { segment, options } = port();
    const answered: (readonly [count: number, tookMs: number])[] = [];
    const onAnswered = (count: number, tookMs: number) => answered.push([count, tookMs]);
    const ports = [
      new PacketPort({ name: 'eth0', ifindex: 2 }, 'IPv4', { ...options, onAnswered }),
      new PacketPort({ name: 'eth0', ifindex: 2 }, 'IPv6', { ...options, onAnswered }),
    ];
    segment.hear(ARP, 0, 10, 20);
    segment.hear('2/86dd', 0, 10);
    await settle();
    expect(answered).toEqual([[2, 0]]);
    for (const each of ports) each.close();
  });

  test('answers what it hears at once, and counts what was lost', async () => {
    const { segment, options } = port();
    const arp = new PacketPort({ name: 'eth0', ifindex: 2 }, 'IPv4', options);
    segment.hear(ARP, 3, 10, 20);
    await settle();
    segment.hear(ARP, 0, 30);
    await settle();
    expect(segment.sent).toEqual(['2/806 11', '2/806 21', '2/806 31']);
    expect(arp.dropped).toBe(3);
    segment.room = 1;
    segment.hear(ARP, 0, 40, 50, 60);
    await settle();
    expect(segment.sent.slice(3)).toEqual(['2/806 41']);
    expect(arp.dropped).toBe(5);
    arp.close();
  });

  test.each(GONE)('that the interface left (%d) is opened again, without a word', async (errno) => {
    const { segment, clock, failures, options } = port();
    const arp = new PacketPort({ name: 'eth0', ifindex: 2 }, 'IPv4', options);
    segment.fail(ARP, errno);
    await settle();
    expect(segment.closed).toEqual([ARP]);
    arp.send([Uint8Array.of(1)]);
    expect(arp.dropped).toBe(1);
    await clock.advance(100);
    expect(segment.opened).toEqual([ARP, ARP]);
    segment.hear(ARP, 0, 7);
    await settle();
    expect(segment.sent).toEqual(['2/806 8']);
    expect(failures).toEqual([]);
    arp.close();
  });

  test('that finds out when it sends is opened again too; a full queue passes', async () => {
    const { segment, clock, options } = port();
    const arp = new PacketPort({ name: 'eth0', ifindex: 2 }, 'IPv4', options);
    segment.refuses = ENOBUFS;
    arp.send([Uint8Array.of(1)]);
    expect(segment.closed).toEqual([]);
    segment.refuses = ENXIO;
    arp.send([Uint8Array.of(1)]);
    expect(segment.closed).toEqual([ARP]);
    segment.refuses = undefined;
    await clock.advance(100);
    expect(segment.opened).toEqual([ARP, ARP]);
    expect(arp.dropped).toBe(2);
    arp.close();
  });

  test('that cannot be opened is told, tried ever more seldom, and told when it works', async () => {
    const { segment, clock, failures, options } = port();
    segment.refuses = EPERM;
    const arp = new PacketPort({ name: 'eth0', ifindex: 2 }, 'IPv6', options);
    expect(failures).toEqual(['Neighbor Discovery on eth0: EPERM']);
    await clock.advance(60_000);
    expect(clock.sleeps.slice(0, 8)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    failures.length = 0;
    segment.refuses = undefined;
    await clock.advance(5000);
    segment.hear('2/86dd', 0, 1);
    await settle();
    expect(failures).toEqual(['Neighbor Discovery on eth0: works']);
    arp.close();
  });

  test('that is still without its interface when it is tried again says so', async () => {
    const { segment, clock, failures, options } = port();
    const arp = new PacketPort({ name: 'eth0', ifindex: 2 }, 'IPv4', options);
    segment.refuses = ENODEV;
    segment.fail(ARP, ENETDOWN);
    await settle();
    expect(failures).toEqual([]);
    await clock.advance(100);
    expect(failures).toEqual(['ARP on eth0: ENODEV']);
    arp.close();
    expect(failures.slice(1)).toEqual(['ARP on eth0: works']);
    await clock.advance(60_000);
    expect(segment.opened).toEqual([ARP]);
  });

  test('that is closed ends its wait and is not opened again', async () => {
    const { segment, clock, failures, options } = port();
    const arp = new PacketPort({ name: 'eth0', ifindex: 2 }, 'IPv4', options);
    arp.close();
    await clock.advance(60_000);
    expect(segment.opened).toEqual([ARP]);
    expect(segment.closed).toEqual([ARP]);
    expect(failures).toEqual([]);
  });
});

describe('ports', () => {
  const carrier = (name: string, ifindex: number) => ({
    name,
    ifindex,
    mac: '02:00:00:00:00:0b',
    addresses: [],
    prefixes: [],
    defaultRoute: [],
    neighborSource: undefined,
  });

  test('are opened and closed as interfaces come and go, and when a name has another number', () => {
    const { segment, options } = port();
    const ports = new PacketPorts(options);
    ports.setCarriers([carrier('eth0', 2)]);
    ports.setCarriers([carrier('eth0', 2), carrier('eth1', 3)]);
    expect(segment.opened).toEqual(['2/806', '2/86dd', '3/806', '3/86dd']);
    ports.setCarriers([carrier('eth1', 4)]);
    expect(segment.closed).toEqual(['2/806', '2/86dd', '3/806', '3/86dd']);
    expect(segment.opened.slice(4)).toEqual(['4/806', '4/86dd']);
    ports.close();
    expect(segment.closed.slice(4)).toEqual(['4/806', '4/86dd']);
  });

  test('send by name and family, drain all, and remember what was lost', async () => {
    const { segment, options } = port();
    const ports = new PacketPorts(options);
    ports.setCarriers([carrier('eth0', 2), carrier('eth1', 3)]);
    ports.send('eth1', 'IPv6', [Uint8Array.of(7)]);
    ports.send('eth9', 'IPv6', [Uint8Array.of(8)]);
    expect(segment.sent).toEqual(['3/86dd 7']);
    ports.drain();
    expect(segment.drained).toBe(4);
    segment.hear('2/806', 5);
    segment.hear('2/86dd', 6);
    await settle();
    ports.setCarriers([]);
    ports.setCarriers([carrier('eth0', 9)]);
    segment.hear('9/806', 1);
    await settle();
    expect(Object.fromEntries(ports.dropped)).toEqual({ eth0: 12, eth1: 0 });
    ports.close();
  });
});
