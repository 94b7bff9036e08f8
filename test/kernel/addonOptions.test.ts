/** Options of sockets that the addon reads, on whatever machine this is. */
import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { readOption } from '../../src/kernel/addon.ts';
import { AF_INET } from '../../src/netlink/constants.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';

const describe = await requireNamespaces();

const ADDON =
  process.env['KUBE_IPVS_ADDON'] ??
  new URL('../../build/Release/kube_ipvs.node', import.meta.url).pathname;

// socket(7): how large the receive buffer is, and what kind of socket it is (SOCK_RAW, 3).
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_RCVBUF = 8;
const option = (name: number) => ({ domain: AF_INET, level: SOL_SOCKET, name });
const none = new Uint8Array();

describe('an option of a raw socket', () => {
  test('is as long as the kernel says, whatever room there was', () => {
    expect([...readOption(option(SO_TYPE), none, 4)]).toEqual([3, 0, 0, 0]);
    expect([...readOption(option(SO_TYPE), Uint8Array.of(9, 9, 9, 9, 9), 1000)]).toHaveLength(4);
    expect(readOption(option(SO_RCVBUF), none, 0)).toHaveLength(0);
  });

  test('is refused in the words of the kernel', () => {
    const op = (name: number) => `read option ${name} of level ${SOL_SOCKET}: `;
    expect(() => readOption(option(9999), none, 4)).toThrow(`${op(9999)}ENOPROTOOPT`);
    expect(() => readOption({ ...option(SO_TYPE), domain: 77 }, none, 4)).toThrow('EAFNOSUPPORT');
    expect(() => readOption(option(SO_TYPE), new Uint8Array(8), 4)).toThrow('EINVAL');
  });

  test('is not asked for with other arguments than these', () => {
    const { readOption: raw } = createRequire(import.meta.url)(ADDON) as {
      readOption: (...given: readonly unknown[]) => unknown;
    };
    const typeError = expect.objectContaining({ name: 'TypeError' });
    for (const given of [
      [],
      [option(3)],
      [option(3), [1], 4],
      [option(3), none, '4'],
      [1, none, 4],
    ])
      expect(() => raw(...given)).toThrow(typeError);
    expect(() => raw({ domain: 'inet' }, none, 4)).toThrow(typeError);
    expect(() => raw({}, none, 4)).toThrow(expect.objectContaining({ code: 'EAFNOSUPPORT' }));
  });

  test('leaves no descriptor behind', async () => {
    const { readdirSync } = await import('node:fs');
    const count = () => readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 300; i++) readOption(option(SO_TYPE), none, 4);
    expect(count()).toBeLessThanOrEqual(before + 2);
  });
});
