/** Real sockets on the loopback device. */
import { createHmac, randomBytes } from 'node:crypto';
import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  HeartbeatLink,
  type HeartbeatLinkOptions,
  HeartbeatPortError,
} from '../../../../src/loadbalancer/shell/heartbeatLink.ts';
import { SendFailures } from '../../../../src/loadbalancer/shell/sendFailures.ts';
import type { Address } from '../../../../src/net/address.ts';
import { SystemClock } from '../../../../src/ops/clock.ts';
import { encodeHeartbeat, type Heartbeat, joinSignature } from '../../../../src/wire/heartbeat.ts';
import { PeerProcess } from '../../../support/loadbalancer/peerProcess.ts';

const KEY = 'a key of 16 bytes or more';
const OTHER_KEY = 'another key of 16 bytes';
const HERE = '127.0.0.1';
const THERE = '127.0.0.2';

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

const beat = (given: Partial<Heartbeat> = {}): Heartbeat => ({
  type: 'beat',
  node: 'n2',
  isReady: true,
  isLeaving: false,
  isApiServerReachable: true,
  isObserver: false,
  bootId: 5n,
  sequence: 1n,
  ageMs: 0,
  generation: 0,
  configurationHash: 0,
  echo: { bootId: 0n, sequence: 0n },
  ...(given as object),
});

function signedBy(key: string, heartbeat: Heartbeat = beat()): Uint8Array {
  const signed = encodeHeartbeat(heartbeat);
  return joinSignature({ signed, signature: createHmac('sha256', key).update(signed).digest() });
}

/** What came to a link, and somebody who waits for it. */
class Heard {
  readonly heartbeats: { heartbeat: Heartbeat; from: Address }[] = [];
  readonly dropped: string[] = [];
  readonly sendFailures: string[] = [];
  readonly failures: string[] = [];
  #waiting: { isThere: () => boolean; go: () => void }[] = [];

  options(port: number, secretFile: string | undefined): HeartbeatLinkOptions {
    return {
      port,
      secretFile,
      clock: new SystemClock(),
      onHeartbeat: (heartbeat, from) => this.#note(this.heartbeats, { heartbeat, from }),
      onDropped: (reason) => this.#note(this.dropped, reason),
      onSendFailure: (code) => this.#note(this.sendFailures, code),
      onFailure: (subject, error) =>
        this.#note(this.failures, `${subject}: ${error?.message ?? 'over'}`),
    };
  }

  async until(isThere: () => boolean): Promise<void> {
    if (isThere()) return;
    await new Promise<void>((go) => this.#waiting.push({ isThere, go }));
  }

  #note<T>(list: T[], item: T): void {
    list.push(item);
    const ready = this.#waiting.filter(({ isThere }) => isThere());
    this.#waiting = this.#waiting.filter((each) => !ready.includes(each));
    for (const { go } of ready) go();
  }
}

let folder: string;
let secretFile: string;
let links: HeartbeatLink[];
let stranger: Socket;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'link-'));
  secretFile = join(folder, 'key');
  writeFileSync(secretFile, `${KEY}\n`);
  links = [];
  stranger = createSocket('udp4');
  stranger.bind(0, HERE);
  await once(stranger, 'listening');
});
afterEach(async () => {
  await Promise.all(links.map((link) => link.close()));
  const end = once(stranger, 'close');
  stranger.close();
  await end;
  rmSync(folder, { recursive: true });
});

async function openLink(given: Partial<HeartbeatLinkOptions> = {}) {
  const heard = new Heard();
  const link = await HeartbeatLink.open({
    ...heard.options(0, secretFile),
    addresses: [HERE],
    ...given,
  });
  links.push(link);
  return { heard, link };
}

/** Sent, and what had come by then has been read: a send alone lets nobody else run. */
async function send(datagram: Uint8Array, port: number): Promise<void> {
  stranger.send(datagram, port, HERE);
  await new Promise((resolve) => setImmediate(resolve));
}

test('what one sends the other one gets, and from where', async () => {
  const one = await openLink();
  const other = await openLink({ port: one.link.port, addresses: [THERE] });
  const lists: Heartbeat[] = [
    beat(),
    beat({
      type: 'claims',
      part: 0,
      parts: 1,
      entries: ['192.0.2.1', '2001:db8::1'],
      sequence: 2n,
    }),
    beat({ type: 'ask', sequence: 3n }),
  ];
  other.link.send(lists.map((heartbeat) => ({ node: 'n1', to: HERE, heartbeat })));
  await one.heard.until(() => one.heard.heartbeats.length === 3);
  expect(one.heard.heartbeats).toEqual(lists.map((heartbeat) => ({ heartbeat, from: THERE })));
  expect(one.heard.dropped).toEqual([]);
});

test('both families are heard on all addresses, where this machine has both', async () => {
  const { heard, link } = await openLink({ addresses: undefined });
  const own = hasIpv6 ? [HERE, '::1'] : [HERE];
  expect(link.families).toContain('IPv4');
  link.send(own.map((to) => ({ node: 'n2', to, heartbeat: beat() })));
  await heard.until(() => heard.heartbeats.length === own.length);
  expect(heard.heartbeats.map(({ from }) => from).sort()).toEqual(own.toSorted());
  expect([...heard.sendFailures, ...heard.failures]).toEqual([]);
});

test('two processes by their links accept each other and tell their claims', async () => {
  const random = Math.random;
  const one = await openLink();
  const other = await openLink({ port: one.link.port, addresses: [THERE] });
  const processes = [
    { ...one, process: new PeerProcess('n1', ['n2'], { random }), others: THERE, name: 'n2' },
    { ...other, process: new PeerProcess('n2', ['n1'], { random }), others: HERE, name: 'n1' },
  ];
  for (const { process, name, others } of processes) {
    process.peers.setNodes([{ name, addresses: [others] }]);
    process.own({ claims: new Set([`192.0.2.${process.name.slice(1)}`]) });
  }
  const handed = [0, 0];
  const seen = () =>
    processes.map(({ process, name }) => [...process.sees(name, 1_000).claims].join());
  for (let nowMs = 0; seen().join() !== '192.0.2.2,192.0.2.1' && nowMs < 1_000; nowMs += 50) {
    for (const { link, process } of processes) link.send(process.tick(nowMs));
    // Round after round, each until what was sent has come.
    for (const [i, { heard, process }] of processes.entries()) {
      const { sent } = processes[1 - i]!.process;
      await heard.until(() => heard.heartbeats.length === sent.length);
      const news = heard.heartbeats.slice(handed[i]);
      handed[i] = heard.heartbeats.length;
      for (const { heartbeat, from } of news) process.received(heartbeat, from, nowMs);
    }
  }
  expect(seen()).toEqual(['192.0.2.2', '192.0.2.1']);
});

describe('dropped and counted is', () => {
  const right = signedBy(KEY);
  const flipped = (at: number) => right.with(at, right[at]! ^ 1);

  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'short'],
    ['a byte less than there must be', right.subarray(0, 92), 'short'],
    ['more than there may be', randomBytes(1_201), 'length'],
    ['another program’s datagram', randomBytes(200).fill(1, 0, 4), 'magic'],
    ['another version', flipped(4), 'version'],
    ['a byte too many', Buffer.concat([right, right.subarray(0, 1)]), 'length'],
    ['a length of the name that is wrong', flipped(57), 'length'],
    ['a length of the body that is wrong', flipped(59), 'length'],
    ['a beat by another key', signedBy(OTHER_KEY), 'signature'],
    ['an unsigned beat', signedBy(''), 'signature'],
    ['a beat that was changed', flipped(7), 'signature'],
    ['a signature that was changed', flipped(right.length - 1), 'signature'],
    ['nonsense of somebody with the key', signedBy(KEY, beat()).with(5, 9), 'signature'],
  ])('%s', async (_, datagram, reason) => {
    const { heard, link } = await openLink();
    await send(datagram, link.port);
    await send(right, link.port);
    await heard.until(() => heard.heartbeats.length === 1);
    expect(heard.dropped).toEqual([reason]);
    expect(heard.failures).toEqual([]);
  });

  test('a body that cannot be, though it is signed', async () => {
    const { heard, link } = await openLink();
    const signed = encodeHeartbeat(beat()).with(5, 9);
    const signature = createHmac('sha256', KEY).update(signed).digest();
    await send(joinSignature({ signed, signature }), link.port);
    await heard.until(() => heard.dropped.length === 1);
    expect(heard.dropped).toEqual(['type']);
  });
});

test('a flood of wrong ones keeps no right one out for good', async () => {
  const { heard, link } = await openLink();
  const wrong = signedBy(OTHER_KEY);
  for (let i = 0; i < 2_000; i++) {
    stranger.send(i % 2 === 0 ? wrong : randomBytes(i % 1_400), link.port, HERE);
  }
  // Some of the flood, and of these, the socket had no room for: beats come again.
  for (let i = 0; heard.heartbeats.length === 0; i++) {
    await send(signedBy(KEY, beat({ sequence: BigInt(i + 1) })), link.port);
  }
  expect(heard.heartbeats[0]!.heartbeat.node).toBe('n2');
  expect(heard.dropped.length).toBeGreaterThan(0);
});

test('a replay is authentic, and dropped by who knows the sender', async () => {
  const { heard, link } = await openLink();
  const process = new PeerProcess('n1', ['n2'], { random: Math.random });
  process.peers.setNodes([{ name: 'n2', addresses: [HERE] }]);
  const [first] = process.tick(0);
  const echo = { bootId: process.bootId, sequence: first!.heartbeat.sequence };
  const datagram = signedBy(KEY, beat({ echo }));
  for (let i = 0; i < 3; i++) await send(datagram, link.port);
  await heard.until(() => heard.heartbeats.length === 3);
  for (const { heartbeat, from } of heard.heartbeats) process.received(heartbeat, from, 1);
  expect(process.refusals).toEqual(['replay', 'replay']);
});

test('two keys are accepted, the first one signs; a changed file counts', async () => {
  const old = await openLink();
  writeFileSync(join(folder, 'new'), `${OTHER_KEY}\n${KEY}\n`);
  const port = old.link.port;
  const rotated = await openLink({ port, addresses: [THERE], secretFile: join(folder, 'new') });
  old.link.send([{ node: 'n2', to: THERE, heartbeat: beat() }]);
  await rotated.heard.until(() => rotated.heard.heartbeats.length === 1);
  rotated.link.send([{ node: 'n1', to: HERE, heartbeat: beat() }]);
  await old.heard.until(() => old.heard.dropped.length === 1);
  expect(old.heard.dropped).toEqual(['signature']);
  writeFileSync(secretFile, `${KEY}\n${OTHER_KEY}\n`);
  while (old.heard.heartbeats.length === 0) {
    const count = old.heard.dropped.length;
    rotated.link.send([{ node: 'n1', to: HERE, heartbeat: beat() }]);
    await old.heard.until(
      () => old.heard.dropped.length > count || old.heard.heartbeats.length > 0,
    );
  }
  expect(new Set(old.heard.dropped)).toEqual(new Set(['signature']));
});

test('unsigned ones are taken when no key is wanted, and only those', async () => {
  const { heard, link } = await openLink({ secretFile: undefined });
  await send(signedBy(KEY), link.port);
  await send(signedBy(''), link.port);
  await heard.until(() => heard.heartbeats.length === 1);
  expect(heard.dropped).toEqual(['signature']);
});

test('what cannot be sent is counted each time, told once, and never thrown', async () => {
  const { heard, link } = await openLink();
  const to = (address: string) => ({ node: 'n2', to: address, heartbeat: beat() });
  link.send([to('2001:db8::1'), to('255.255.255.255'), to('255.255.255.255')]);
  link.send([to('255.255.255.255'), to('2001:db8::1')]);
  await heard.until(() => heard.sendFailures.length === 5);
  expect([...heard.sendFailures].sort()).toEqual([
    'EACCES',
    'EACCES',
    'EACCES',
    'EAFNOSUPPORT',
    'EAFNOSUPPORT',
  ]);
  expect([...heard.failures].sort()).toEqual([
    'sending heartbeats: EACCES: EACCES, to 255.255.255.255 first',
    'sending heartbeats: EAFNOSUPPORT: EAFNOSUPPORT, to 2001:db8::1 first',
  ]);
});

test('nobody listens there: the next one is sent all the same', async () => {
  const { heard, link } = await openLink();
  const nobody = { node: 'n2', to: '127.0.0.9', heartbeat: beat() };
  for (let i = 0; i < 5; i++) {
    link.send([nobody, { node: 'n1', to: HERE, heartbeat: beat({ sequence: BigInt(i + 1) }) }]);
    await heard.until(() => heard.heartbeats.length === i + 1);
  }
  expect(heard.sendFailures.filter((code) => code !== 'ECONNREFUSED')).toEqual([]);
});

test('what was given before the end is sent', async () => {
  const one = await openLink();
  const other = await openLink({ port: one.link.port, addresses: [THERE] });
  other.link.send(
    Array.from({ length: 50 }, (_, i) => ({
      node: 'n1',
      to: HERE,
      heartbeat: beat({ sequence: BigInt(i + 1), isLeaving: true }),
    })),
  );
  await other.link.close();
  await one.heard.until(() => one.heard.heartbeats.length === 50);
  other.link.send([{ node: 'n1', to: HERE, heartbeat: beat() }]);
  expect(other.heard.sendFailures).toEqual([]);
});

describe('the start', () => {
  test('fails where another program has the port, and says which', async () => {
    const { link } = await openLink();
    const again = openLink({ port: link.port });
    await expect(again).rejects.toThrow(HeartbeatPortError);
    await expect(again).rejects.toThrow(
      `heartbeats: UDP 127.0.0.1:${link.port} cannot be had: another program has it`,
    );
  });

  test('fails where an address is not of this machine', async () => {
    const foreign = openLink({ addresses: ['192.0.2.1'] });
    await expect(foreign).rejects.toThrow(
      'heartbeats: UDP 192.0.2.1:0 cannot be had: bind EADDRNOTAVAIL',
    );
  });

  test.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])(
    'takes IPv4 alone where IPv6 says %s',
    async (code) => {
      const create = (options: SocketOptions): Socket => {
        const socket = createSocket(options);
        if (options.type === 'udp6') {
          socket.bind = () => {
            const error = Object.assign(new Error(`bind ${code} ::`), { code });
            queueMicrotask(() => socket.emit('error', error));
            return socket;
          };
        }
        return socket;
      };
      const { heard, link } = await openLink({
        addresses: undefined,
        createSocket: create as typeof createSocket,
      });
      expect(link.families).toEqual(['IPv4']);
      link.send([{ node: 'n1', to: HERE, heartbeat: beat() }]);
      await heard.until(() => heard.heartbeats.length === 1);
      expect(heard.failures).toEqual([]);
    },
  );

  test('fails without a key', async () => {
    rmSync(secretFile);
    await expect(openLink()).rejects.toThrow(`${secretFile}: is not there`);
  });
});

test('a failure of sending is over when nobody has it any more', () => {
  const told: string[] = [];
  const failures = new SendFailures((subject, error) =>
    told.push(`${subject} ${error === undefined ? 'over' : 'begins'}`),
  );
  const note = (to: string, code?: string) => {
    failures.note(to, code);
    return told.splice(0);
  };
  expect(note('a')).toEqual([]);
  expect(note('a', 'EPERM')).toEqual(['sending heartbeats: EPERM begins']);
  expect(note('b', 'EPERM')).toEqual([]);
  expect(note('b')).toEqual([]);
  expect(note('a', 'ENETUNREACH')).toEqual([
    'sending heartbeats: EPERM over',
    'sending heartbeats: ENETUNREACH begins',
  ]);
  expect(note('a')).toEqual(['sending heartbeats: ENETUNREACH over']);
  note('gone', 'EPERM');
  for (let i = 0; i < 2 * 4096; i++) failures.countRound();
  expect(told.splice(0)).toEqual(['sending heartbeats: EPERM over']);
});
