/** The addon against a real kernel: rtnetlink in fresh namespaces, on whatever machine this is. */
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openSocket, type RawSocket } from '../../src/kernel/addon.ts';
import { ByteWriter } from '../../src/net/bytes.ts';
import * as c from '../../src/netlink/constants.ts';
import { decodeAcknowledgement, MessageCursor } from '../../src/netlink/message.ts';
import {
  encodeDeleteLink,
  encodeDumpLinks,
  encodeGetLink,
  encodeNewLink,
} from '../../src/netlink/rtnlLinks.ts';
import { requireNamespaces } from '../support/lab/kernelProbe.ts';
import { freshNamespace, type Namespace } from '../support/lab/namespace.ts';
import { patience } from '../lab/patience.ts';

const describe = await requireNamespaces();

const { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST } = c;
const TIMEOUT_MS = 5000;

type Encode = (out: ByteWriter, head: { type: number; flags: number; sequence: number }) => void;

/** Messages numbered from 1. */
function batch(...messages: readonly (readonly [flags: number, encode: Encode])[]): Uint8Array {
  const out = new ByteWriter();
  messages.forEach(([flags, encode], i) => {
    encode(out, { type: 0, flags: NLM_F_REQUEST | flags, sequence: i + 1 });
  });
  return out.written().slice();
}

const getLink =
  (name: string): Encode =>
  (out, head) => {
    encodeGetLink(out, head, { name });
  };
const deleteLink =
  (name: string): Encode =>
  (out, head) => {
    encodeDeleteLink(out, head, { name });
  };

const DUMP_LINKS = Buffer.from(batch([NLM_F_DUMP, encodeDumpLinks])).toString('hex');

/** setsockopt of a kernel that knows neither NETLINK_EXT_ACK nor NETLINK_GET_STRICT_CHK. */
const OLD_KERNEL = `
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
int setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
  if (level == SOL_NETLINK && (option == NETLINK_EXT_ACK || option == NETLINK_GET_STRICT_CHK)) {
    fprintf(stderr, "refused option %d\\n", option);
    errno = ENOPROTOOPT;
    return -1;
  }
  return syscall(SYS_setsockopt, fd, level, option, value, size);
}
`;

/** Sequence, type and, of an error, its number for each message. */
function outline(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  const message = new MessageCursor(bytes);
  while (message.next()) {
    const errno = message.type === c.NLMSG_ERROR ? `:${decodeAcknowledgement(message).errno}` : '';
    lines.push(`${message.sequence} ${message.type}${errno}`);
  }
  return lines;
}

describe('the addon', () => {
  let namespace: Namespace;
  const sockets: RawSocket[] = [];
  const open = (options: Partial<Parameters<typeof openSocket>[0]> = {}): RawSocket => {
    const { networkNamespacePath } = namespace;
    const socket = openSocket({ protocol: c.NETLINK_ROUTE, networkNamespacePath, ...options });
    sockets.push(socket);
    return socket;
  };

  beforeAll(async () => {
    namespace = await freshNamespace();
  });

  afterAll(async () => {
    for (const socket of sockets) socket.close();
    await namespace.remove();
  });

  test('a plain request ends at its acknowledgement', async () => {
    const { bytes, isOverrun } = await open().transact(
      batch([NLM_F_ACK, getLink('lo')]),
      TIMEOUT_MS,
    );
    expect(outline(bytes)).toEqual([`1 ${c.RTM_NEWLINK}`, `1 ${c.NLMSG_ERROR}:0`]);
    expect(isOverrun).toBe(false);
  });

  test('of a batch the failures are answered and the last message is acknowledged', async () => {
    const { bytes } = await open().transact(
      batch([0, deleteLink('none1')], [0, getLink('lo')], [NLM_F_ACK, deleteLink('none2')]),
      TIMEOUT_MS,
    );
    expect(outline(bytes)).toEqual([
      `1 ${c.NLMSG_ERROR}:19`,
      `2 ${c.RTM_NEWLINK}`,
      `3 ${c.NLMSG_ERROR}:19`,
    ]);
  });

  test('the kernel says in its own words what it objects to', async () => {
    const unknownKind: Encode = (out, head) => {
      encodeNewLink(out, head, { name: 'x', kind: 'nosuchkind' });
    };
    const { bytes } = await open().transact(
      batch([NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, unknownKind]),
      TIMEOUT_MS,
    );
    const message = new MessageCursor(bytes);
    message.next();
    const { errno, text } = decodeAcknowledgement(message);
    expect(errno).toBe(95);
    expect(text).toContain('nknown device type');
  });

  test('several dumps go out one after the other and each comes whole', async () => {
    const dumps = [1, 2, 3].map(() => [NLM_F_DUMP, encodeDumpLinks] as const);
    const { bytes } = await open().transact(batch(...dumps), TIMEOUT_MS);
    const lines = outline(bytes);
    for (const sequence of [1, 2, 3]) {
      const own = lines.filter((line) => line.startsWith(`${sequence} `));
      expect(own.at(-1)).toBe(`${sequence} ${c.NLMSG_DONE}`);
      expect(own).toContain(`${sequence} ${c.RTM_NEWLINK}`);
    }
  });

  test('a dump after changes in one request waits for both', async () => {
    const { bytes } = await open().transact(
      batch([0, deleteLink('none')], [NLM_F_DUMP, encodeDumpLinks], [NLM_F_ACK, getLink('lo')]),
      TIMEOUT_MS,
    );
    const lines = outline(bytes);
    expect(lines[0]).toBe(`1 ${c.NLMSG_ERROR}:19`);
    expect(lines).toContain(`2 ${c.NLMSG_DONE}`);
    expect(lines.at(-1)).toBe(`3 ${c.NLMSG_ERROR}:0`);
  });

  test('lost answers are reported and waited for by nobody', async () => {
    // Each answer takes 768 bytes of a queue of some thousand: 400 of them cannot fit.
    const failing = Array.from({ length: 399 }, () => [0, deleteLink('none')] as const);
    const socket = open({ receiveBufferBytes: 8192 });
    const { bytes, isOverrun } = await socket.transact(
      batch(...failing, [NLM_F_ACK, getLink('lo')]),
      TIMEOUT_MS,
    );
    expect(isOverrun).toBe(true);
    expect(outline(bytes).length).toBeLessThan(400);
    // The socket is good for the next request.
    const next = await socket.transact(batch([NLM_F_ACK, getLink('lo')]), TIMEOUT_MS);
    expect(next.isOverrun).toBe(false);
    expect(outline(next.bytes)).toHaveLength(2);
  });

  test('a large enough receive buffer holds them all', async () => {
    const failing = Array.from({ length: 1000 }, () => [0, deleteLink('none')] as const);
    const { bytes, isOverrun } = await open({ receiveBufferBytes: 1 << 20 }).transact(
      batch(...failing, [NLM_F_ACK, getLink('lo')]),
      TIMEOUT_MS,
    );
    expect(isOverrun).toBe(false);
    expect(outline(bytes)).toHaveLength(1002);
  });

  test.each([
    ['empty', new Uint8Array()],
    ['half a header', batch([NLM_F_ACK, getLink('lo')]).slice(0, 15)],
    ['a message cut short', batch([NLM_F_ACK, getLink('lo')]).slice(0, -1)],
    ['a length of zero', new Uint8Array(16)],
    ['no answer asked for', batch([NLM_F_ACK, getLink('lo')], [0, getLink('lo')])],
  ])('a request that the kernel would not answer is refused: %s', async (_, request) => {
    await expect(open().transact(request, TIMEOUT_MS)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  test('a request whose tail has other lengths is refused, whatever the bytes', async () => {
    const socket = open();
    const good = batch([NLM_F_ACK, getLink('lo')]);
    for (const length of [1, 15, 17, good.length + 1, 0xffff_ffff]) {
      const bad = good.slice();
      new DataView(bad.buffer).setUint32(0, length, true);
      await expect(socket.transact(bad, TIMEOUT_MS)).rejects.toMatchObject({ code: 'EINVAL' });
    }
  });

  test('one call at a time', async () => {
    const socket = open();
    const first = socket.transact(batch([NLM_F_ACK, getLink('lo')]), TIMEOUT_MS);
    await expect(socket.transact(batch([NLM_F_ACK, getLink('lo')]), 1)).rejects.toMatchObject({
      code: 'EBUSY',
    });
    await expect(first).resolves.toMatchObject({ isOverrun: false });
  });

  test('the request may be overwritten as soon as the call has returned', async () => {
    const request = batch([NLM_F_ACK, getLink('lo')]);
    const pending = open().transact(request, TIMEOUT_MS);
    request.fill(0xff);
    expect(outline((await pending).bytes)).toHaveLength(2);
  });

  test('notifications of a group arrive', async () => {
    const socket = open({ groups: 1 << (c.RTNLGRP_IPV4_IFADDR - 1) });
    const pending = socket.receive(TIMEOUT_MS);
    await namespace.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'lo');
    expect(outline((await pending).bytes)).toEqual([
      expect.stringContaining(` ${c.RTM_NEWADDR}`) as unknown,
    ]);
    const joined = open();
    joined.joinGroup(c.RTNLGRP_IPV4_IFADDR);
    const again = joined.receive(TIMEOUT_MS);
    await namespace.run('ip', 'address', 'del', '192.0.2.1/24', 'dev', 'lo');
    expect(outline((await again).bytes)).toEqual([
      expect.stringContaining(` ${c.RTM_DELADDR}`) as unknown,
    ]);
  });

  test('waiting in vain is a time-out', async () => {
    await expect(open().receive(20)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  test('closing ends a wait, may be repeated, and makes the socket unusable', async () => {
    const socket = open();
    const pending = socket.receive(-1);
    socket.close();
    socket.close();
    await expect(pending).rejects.toMatchObject({ code: 'ECANCELED' });
    await expect(socket.receive(1)).rejects.toMatchObject({ code: 'EBADF' });
    expect(() => {
      socket.joinGroup(1);
    }).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  test('a socket belongs to the namespace of its path, and this process stays in its own', async () => {
    const before = readlinkSync('/proc/self/ns/net');
    const create: Encode = (out, head) => {
      encodeNewLink(out, head, { name: 'inside', kind: 'veth' });
    };
    const flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    const { bytes } = await open().transact(batch([flags, create]), TIMEOUT_MS);
    expect(outline(bytes)).toEqual([`1 ${c.NLMSG_ERROR}:0`]);
    expect(await namespace.run('ip', '-o', 'link', 'show', 'inside')).toContain('inside');
    expect(readlinkSync('/proc/self/ns/net')).toBe(before);
    const outside = openSocket({ protocol: c.NETLINK_ROUTE });
    sockets.push(outside);
    const found = await outside.transact(batch([NLM_F_ACK, getLink('inside')]), TIMEOUT_MS);
    expect(outline(found.bytes)).toEqual([`1 ${c.NLMSG_ERROR}:19`]);
  });

  test.each([
    ['a path that is not there', { networkNamespacePath: '/run/netns/none' }, 'ENOENT'],
    ['a file that is no namespace', { networkNamespacePath: '/proc/self/status' }, 'EINVAL'],
    ['a protocol that the kernel has not', { protocol: 31 }, 'EPROTONOSUPPORT'],
  ])('opening fails with the reason: %s', (_, options, code) => {
    expect(() => open(options)).toThrow(expect.objectContaining({ name: 'KernelError', code }));
  });

  test('a kernel without options that came later (strict check 4.20, extended answers 4.12) is good enough', () => {
    const folder = mkdtempSync(join(tmpdir(), 'old-kernel-'));
    try {
      const shim = join(folder, 'shim.so');
      const compile = ['-shared', '-fPIC', '-x', 'c', '-', '-o', shim];
      expect(spawnSync('gcc', compile, { input: OLD_KERNEL, encoding: 'utf8' }).stderr).toBe('');
      const addon = new URL('../../build/Release/kube_ipvs.node', import.meta.url).pathname;
      const program = `
        const { NetlinkSocket } = require(${JSON.stringify(process.env['KUBE_IPVS_ADDON'] ?? addon)});
        const socket = new NetlinkSocket({ protocol: ${c.NETLINK_ROUTE}, strictCheck: true });
        socket.transact(Buffer.from('${DUMP_LINKS}', 'hex'), ${TIMEOUT_MS})
          .then(({ bytes }) => process.stdout.write(bytes.toString('hex')));
      `;
      const preload = [process.env['LD_PRELOAD'] ?? '', shim].filter((path) => path !== '');
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
        encoding: 'utf8',
        env: { ...process.env, LD_PRELOAD: preload.join(':') },
      });
      expect(stderr.match(/refused option \d+/g)).toEqual([
        'refused option 11',
        'refused option 12',
      ]);
      const lines = outline(Buffer.from(stdout, 'hex'));
      expect(lines).toContain(`1 ${c.RTM_NEWLINK}`);
      expect(lines.at(-1)).toBe(`1 ${c.NLMSG_DONE}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('worker threads have their own, also when they end in the middle of a wait', async () => {
    const addon = new URL('../../build/Release/kube_ipvs.node', import.meta.url).pathname;
    const program = `
      const { NetlinkSocket } = require(${JSON.stringify(process.env['KUBE_IPVS_ADDON'] ?? addon)});
      const socket = new NetlinkSocket({ protocol: ${c.NETLINK_ROUTE} });
      socket.receive(-1).catch(() => {});
      require('node:worker_threads').parentPort.postMessage(socket.portId);
    `;
    const workers = [1, 2, 3].map(() => new Worker(program, { eval: true }));
    const ports = await Promise.all(
      workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
    );
    expect(new Set(ports).size).toBe(3);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  test('a process exits while a wait is on', () => {
    const addon = new URL('../../build/Release/kube_ipvs.node', import.meta.url).pathname;
    const program = `
      const { NetlinkSocket } = require(${JSON.stringify(process.env['KUBE_IPVS_ADDON'] ?? addon)});
      new NetlinkSocket({ protocol: ${c.NETLINK_ROUTE} }).receive(-1).catch(() => {});
      setTimeout(() => process.exit(7), 20);
    `;
    const { status } = spawnSync(process.execPath, ['-e', program], { timeout: patience(20_000) });
    expect(status).toBe(7);
  });

  test('a thousand sockets leave no descriptor behind', async () => {
    const { readdirSync } = await import('node:fs');
    const count = () => readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 1000; i++) {
      const socket = openSocket({ protocol: c.NETLINK_ROUTE });
      if (i % 100 === 0) await socket.transact(batch([NLM_F_ACK, getLink('lo')]), TIMEOUT_MS);
      socket.close();
    }
    expect(count()).toBeLessThanOrEqual(before + 2);
  });
});
