/**
 * What passes between us and the packet sockets of the native addon, which
 * test/kernel/packetSocket.test.ts opens; here an addon that plays it.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { framesOf, openPacketSocket } from '../../../src/kernel/packetSocket.ts';

interface PlayedAddon {
  readonly crossed: string[];
  refuse(error: unknown): void;
}

const path = resolve('test/support/kernel/playedAddon.cjs');
const addon = createRequire(import.meta.url)(path) as PlayedAddon;

const override = process.env['KUBE_IPVS_ADDON'];
process.env['KUBE_IPVS_ADDON'] = path;
afterAll(() => {
  if (override === undefined) delete process.env['KUBE_IPVS_ADDON'];
  else process.env['KUBE_IPVS_ADDON'] = override;
});

beforeEach(() => {
  addon.crossed.length = 0;
  addon.refuse(undefined);
});

const ARP = { ifindex: 3, etherType: 0x0806 };
const refusalOf = (errno: number) => Object.assign(new Error('in its words'), { errno });
const { EACCES, EBUSY, ENETDOWN, ENODEV, EPERM } = constants.errno;

test('what is asked for crosses over, and what is answered comes back', async () => {
  const socket = openPacketSocket({ ...ARP, filter: new Uint8Array(8) });
  socket.joinMulticast(Uint8Array.of(51, 51, 0, 0, 0, 1));
  expect(socket.send([new Uint8Array(60), new Uint8Array(60)])).toBe(2);
  const received = await socket.receive(-1);
  expect(received.dropped).toBe(4);
  expect([...framesOf(received)].map((frame) => [...frame])).toEqual([[1, 2], [], [3]]);
  expect(socket.drain()).toBe(5);
  socket.close();
  expect(addon.crossed).toEqual([
    'open 3 2054 0,0,0,0,0,0,0,0',
    'join 51,51,0,0,0,1',
    'send 2',
    'receive -1',
    'drain',
    'close',
  ]);
});

test.each([
  ['no interface', { ifindex: 0 }],
  ['half an interface', { ifindex: 1.5 }],
  ['an interface beyond all numbers', { ifindex: 2 ** 31 }],
  ['no type', { etherType: 0 }],
  ['a type of 17 bits', { etherType: 0x1_0806 }],
  ['a filter that refuses nothing and keeps nothing', { filter: new Uint8Array() }],
  ['half an instruction', { filter: new Uint8Array(12) }],
  ['more instructions than the kernel takes', { filter: new Uint8Array(8 * 4097) }],
])('an option out of range is refused before it crosses the border: %s', (_, options) => {
  expect(() => openPacketSocket({ ...ARP, ...options })).toThrow(RangeError);
  expect(addon.crossed).toEqual([]);
});

test.each([EPERM, EACCES])('without the right to (%d) it says which right that is', (errno) => {
  addon.refuse(refusalOf(errno));
  expect(() => openPacketSocket(ARP)).toThrow(
    expect.objectContaining({
      name: 'KernelError',
      errno,
      op: 'open packet socket on interface 3',
      message: expect.stringContaining('CAP_NET_RAW') as unknown,
    }),
  );
});

test('any other refusal says what was tried, and keeps the words of the addon', async () => {
  const socket = openPacketSocket(ARP);
  const refused = (code: string, op: string) =>
    expect.objectContaining({
      name: 'KernelError',
      code,
      op: `${op} on interface 3`,
      message: expect.stringContaining('(in its words)') as unknown,
    });
  addon.refuse(refusalOf(ENODEV));
  expect(() => openPacketSocket(ARP)).toThrow(refused('ENODEV', 'open packet socket'));
  addon.refuse(refusalOf(ENETDOWN));
  expect(() => socket.send([])).toThrow(refused('ENETDOWN', 'send frames'));
  expect(() => socket.drain()).toThrow(refused('ENETDOWN', 'drain packet socket'));
  expect(() => socket.joinMulticast(new Uint8Array(6))).toThrow(
    refused('ENETDOWN', 'join a multicast group'),
  );
  addon.refuse(refusalOf(EBUSY));
  await expect(socket.receive(1)).rejects.toEqual(refused('EBUSY', 'receive frames'));
});

test('what is no refusal of the kernel is passed on as it is', () => {
  const bug = new TypeError('a bug');
  addon.refuse(bug);
  expect(() => openPacketSocket(ARP)).toThrow(bug);
});
