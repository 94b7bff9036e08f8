/**
 * What passes between us and the native addon, which test/kernel/addon.test.ts loads; here one that
 * plays it.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { libraryNames, openSocket, readOption, tryLock } from '../../../src/kernel/addon.ts';

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

/** As the addon throws: told by its fields, in the words of the C library. */
const refusalOf = (errno: number, words: string) => Object.assign(new Error(words), { errno });
const { EACCES, EBUSY, EPERM, ETIMEDOUT } = constants.errno;

test('what is asked for crosses over, and what is answered comes back', async () => {
  const socket = openSocket({ protocol: 16 });
  const request = new Uint8Array([1, 2]);
  expect(await socket.transact(request, 500)).toEqual({ bytes: request, isOverrun: false });
  socket.joinGroup(5);
  expect(await socket.receive(-1)).toEqual({ bytes: new Uint8Array([9]), isOverrun: true });
  socket.close();
  expect(addon.crossed).toEqual(['open 16', 'transact 1,2 500', 'join 5', 'receive -1', 'close']);
});

test('a refusal says what was tried and keeps the words of the addon', async () => {
  const socket = openSocket({ protocol: 16 });
  addon.refuse(refusalOf(EPERM, 'in its words'));
  const refused = (op: string) => ({ name: 'KernelError', code: 'EPERM', op });
  expect(() => openSocket({ protocol: 16 })).toThrow(
    expect.objectContaining({
      ...refused('open netlink socket'),
      message: 'open netlink socket: EPERM, operation not permitted (in its words)',
    }),
  );
  expect(() => socket.joinGroup(5)).toThrow(
    expect.objectContaining(refused('join netlink group 5')),
  );
  expect(() => tryLock(7)).toThrow(expect.objectContaining(refused('lock a file')));
  addon.refuse(refusalOf(ETIMEDOUT, ''));
  await expect(socket.transact(new Uint8Array(), 1)).rejects.toMatchObject({
    name: 'KernelError',
    code: 'ETIMEDOUT',
    op: 'exchange netlink messages',
  });
  addon.refuse(refusalOf(EBUSY, ''));
  await expect(socket.receive(1)).rejects.toMatchObject({
    name: 'KernelError',
    code: 'EBUSY',
    op: 'receive netlink notifications',
  });
});

test.each([new TypeError('a bug'), 'a word', null, { errno: 'odd' }])(
  'what is no refusal of the kernel is passed on as it is: %p',
  async (thrown) => {
    const socket = openSocket({ protocol: 16 });
    addon.refuse(thrown);
    await expect(socket.transact(new Uint8Array(), 1)).rejects.toBe(thrown);
  },
);

test('an error without words is told by its number', () => {
  addon.refuse({ errno: EACCES });
  expect(() => tryLock(7)).toThrow('lock a file: EACCES, permission denied');
});

test('a lock is had or not, by the descriptor', () => {
  expect([tryLock(7), tryLock(8)]).toEqual([true, false]);
});

test('an option is asked for, of a size that makes sense', () => {
  const option = { domain: 2, level: 0, name: 64 };
  expect(readOption(option, new Uint8Array([1, 2]), 84)).toEqual(new Uint8Array([7]));
  expect(addon.crossed).toEqual(['option 2 0 64 1,2 84']);
  expect(() => readOption(option, new Uint8Array(), -1)).toThrow(RangeError);
  expect(() => readOption(option, new Uint8Array(), 2 ** 32)).toThrow(RangeError);
  addon.refuse(refusalOf(EPERM, ''));
  expect(() => readOption(option, new Uint8Array(), 84)).toThrow(
    'read option 64 of level 0: EPERM, operation not permitted',
  );
});

test('names are those of the C library', () => {
  const { hostAddress, servicePort, serviceName } = libraryNames;
  expect([hostAddress('node1'), hostAddress('node2')]).toEqual(['192.0.2.1', undefined]);
  expect([servicePort('domain', 'udp'), servicePort('domain', 'tcp')]).toEqual([53, undefined]);
  expect([serviceName(53, 'udp'), serviceName(53, 'sctp')]).toEqual(['domain', undefined]);
});
