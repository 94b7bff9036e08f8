import { constants } from 'node:os';
import { beforeEach, expect, test } from '@jest/globals';
import type { OpenSocket } from '../../../src/kernel/addon.ts';
import { GenericSocket } from '../../../src/kernel/genlFamily.ts';
import { IPVS_GENL_NAME } from '../../../src/netlink/constants.ts';
import { decodeVersion } from '../../../src/netlink/ipvsReplies.ts';
import { encodeFlush, encodeGetVersion } from '../../../src/netlink/ipvsRequests.ts';
import { answering, FakeIpvs, putDumpEnd } from '../../support/kernel/fakeNetlink.ts';

let kernel: FakeIpvs;
beforeEach(() => {
  kernel = new FakeIpvs();
});

const versionBy = (socket: GenericSocket) =>
  socket.get('read IPVS version', encodeGetVersion, decodeVersion);

test('a family that the kernel has not, and cannot load, is named with the cure', async () => {
  const socket = new GenericSocket('NOSUCH', {}, kernel.open);
  const refusal = {
    code: 'ENOENT',
    message: expect.stringMatching(
      /^look up generic netlink family NOSUCH: ENOENT.*this kernel has no NOSUCH.*load its module/,
    ),
  };
  await expect(versionBy(socket)).rejects.toMatchObject(refusal);
  await expect(socket.execute([encodeFlush])).rejects.toMatchObject(refusal);
});

test('another refusal of the look-up is no missing module', async () => {
  const refusing: OpenSocket = () =>
    answering(({ sequence }, out) => putDumpEnd(out, sequence, constants.errno.EPERM));
  await expect(versionBy(new GenericSocket(IPVS_GENL_NAME, {}, refusing))).rejects.toThrow(
    /^look up generic netlink family IPVS: EPERM, operation not permitted$/,
  );
});

test('the family is looked up once, and once more each time until it is found', async () => {
  let isLoaded = false;
  const late: OpenSocket = (options) => {
    const loaded = kernel.open(options);
    const without = answering(({ sequence }, out) =>
      putDumpEnd(out, sequence, constants.errno.ENOENT),
    );
    return { ...loaded, transact: (...sent) => (isLoaded ? loaded : without).transact(...sent) };
  };
  const socket = new GenericSocket(IPVS_GENL_NAME, {}, late);
  await expect(versionBy(socket)).rejects.toThrow('load its module');
  isLoaded = true;
  expect(await versionBy(socket)).toMatchObject({ version: 0x010201 });
  await versionBy(socket);
  // The look-up and two commands.
  expect(kernel.sends).toEqual([1, 1, 1]);
});

test('it is one socket, of generic netlink and of the namespace that was asked for', async () => {
  const asked: unknown[] = [];
  const open: OpenSocket = (options) => {
    asked.push(options);
    return kernel.open(options);
  };
  const networkNamespacePath = '/run/netns/node1';
  const socket = new GenericSocket(IPVS_GENL_NAME, { networkNamespacePath }, open);
  await versionBy(socket);
  await versionBy(socket);
  // linux/netlink.h: NETLINK_GENERIC
  expect(asked).toEqual([expect.objectContaining({ protocol: 16, networkNamespacePath })]);
  socket.close();
  await expect(versionBy(socket)).rejects.toMatchObject({ code: 'EBADF' });
});
