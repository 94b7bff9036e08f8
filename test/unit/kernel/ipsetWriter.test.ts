import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import { KernelError } from '../../../src/kernel/errors.ts';
import { type EntryOperation, IpsetWriter } from '../../../src/kernel/ipsetWriter.ts';
import * as c from '../../../src/netlink/constants.ts';
import type { MessageCursor } from '../../../src/netlink/message.ts';
import { answering, putControl } from '../../support/kernel/fakeNetlink.ts';

const set = { name: 'A', type: 'hash:ip,port', family: 'IPv4', maxElements: 65_536 } as const;
/** IPSET_ERR_HASH_FULL, a number of ipset's own. */
const HASH_FULL = 4352;

const add = (entry: string): EntryOperation => ({ op: 'addEntry', set, entry });
const remove = (entry: string): EntryOperation => ({ op: 'removeEntry', set, entry });

/** A kernel that refuses entries with these ports; `heard`: what it was asked, with its flags. */
function kernel(refused: readonly number[]) {
  const heard: { command: number; name: string; port: number; flags: number }[] = [];
  const socket = answering((message, out) => {
    const asked = read(message);
    heard.push(asked);
    const errno = refused.includes(asked.port) ? HASH_FULL : 0;
    const isAnswered = errno !== 0 || (message.flags & c.NLM_F_ACK) !== 0;
    if (isAnswered) putControl(out, c.NLMSG_ERROR, message.sequence, errno);
  });
  return { writer: new IpsetWriter({}, () => socket), heard };
}

function read(message: MessageCursor) {
  const asked = { command: message.type & 0xff, name: '', port: 0, flags: message.flags };
  for (const attributes = message.attributes(4); attributes.next();) {
    if (attributes.type === c.IPSET_ATTR_SETNAME) asked.name = attributes.string();
    if (attributes.type !== c.IPSET_ATTR_DATA) continue;
    for (const data = attributes.nested(); data.next();)
      if (data.type === c.IPSET_ATTR_PORT) asked.port = data.u16be();
  }
  return asked;
}

test('each entry has its own answer, and what is there or missing already is none', async () => {
  const { writer, heard } = kernel([81]);
  const operations = [add('10.0.0.1,tcp:80'), add('10.0.0.1,tcp:81'), remove('10.0.0.1,tcp:82')];
  expect(await writer.write(operations)).toEqual([true, false, true]);
  expect(heard.map(({ command, name, port }) => ({ command, name, port }))).toEqual([
    { command: c.IPSET_CMD_ADD, name: 'A', port: 80 },
    { command: c.IPSET_CMD_ADD, name: 'A', port: 81 },
    { command: c.IPSET_CMD_DEL, name: 'A', port: 82 },
  ]);
  const NLM_F_EXCL = 0x200;
  expect(heard.filter(({ flags }) => (flags & NLM_F_EXCL) !== 0)).toEqual([]);
});

test('an entry of a form that only the program knows is not sent, the others are', async () => {
  const { writer, heard } = kernel([]);
  const operations = [
    add('10.0.0.1,tcp:80'),
    add('10.0.0.1-10.0.0.9,tcp:80'),
    add('10.0.0.2,udp:53'),
  ];
  expect(await writer.write(operations)).toEqual([true, false, true]);
  expect(heard.map(({ port }) => port)).toEqual([80, 53]);
});

test('without a socket nothing is acknowledged, a bug is thrown', async () => {
  const failing = (error: Error) =>
    new IpsetWriter({}, () => {
      throw error;
    });
  const refusal = new KernelError({ op: 'open a netlink socket', errno: constants.errno.EMFILE });
  expect(await failing(refusal).write([add('10.0.0.1,tcp:80')])).toEqual([false]);
  const bug = failing(new TypeError('bug'));
  await expect(bug.write([add('10.0.0.1,tcp:80')])).rejects.toThrow('bug');
});

test('nothing to write takes no socket', async () => {
  const writer = new IpsetWriter({}, () => {
    throw new Error('opened');
  });
  expect(await writer.write([])).toEqual([]);
});
