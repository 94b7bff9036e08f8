import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import { IpsetReader } from '../../../src/kernel/ipsetReader.ts';
import * as c from '../../../src/netlink/constants.ts';
import { encodeSetPart, type SetPart } from '../../../src/netlink/ipset.ts';
import type { MessageCursor } from '../../../src/netlink/message.ts';
import { answering, putDumpEnd } from '../../support/kernel/fakeNetlink.ts';

const { EINVAL, EPERM, EBUSY } = constants.errno;

/**
 * A kernel that has these sets, each in parts, or refuses to list them. `asked`: names whose
 * elements were asked for.
 */
function kernel(sets: readonly SetPart[], errno = 0) {
  const asked: string[] = [];
  const socket = answering((message, out) => {
    const name = nameIn(message);
    if (name !== undefined) asked.push(name);
    const head = { type: 0, flags: c.NLM_F_MULTI, sequence: message.sequence };
    const parts = sets.filter((part) =>
      name === undefined ? part.header !== undefined : part.name === name,
    );
    for (const part of parts)
      encodeSetPart(out, head, name === undefined ? { ...part, elements: [] } : part);
    putDumpEnd(out, message.sequence, errno);
  });
  return { reader: new IpsetReader({}, () => socket), asked };
}

function nameIn(message: MessageCursor): string | undefined {
  const attributes = message.attributes(4);
  while (attributes.next()) {
    if (attributes.type === c.IPSET_ATTR_SETNAME) return attributes.string();
  }
  return undefined;
}

const services = { type: 'hash:ip,port', addressFamily: c.AF_INET, maxElements: 65_536 };
const element = (address: string, protocol: number, port: number) => ({ address, protocol, port });

test('a large set comes in parts, an empty one is not asked for, those of others neither', async () => {
  const bitmap = { type: 'bitmap:port', addressFamily: c.AF_UNSPEC };
  const { reader, asked } = kernel([
    {
      name: 'A',
      header: { ...services, elementCount: 3 },
      elements: [element('10.0.0.1', 6, 80), element('10.0.0.1', 132, 80)],
    },
    { name: 'A', elements: [element('10.0.0.2', 47, 0)] },
    { name: 'OTHER', header: { ...services, elementCount: 1 }, elements: [] },
    { name: 'EMPTY', header: { ...services, elementCount: 0 }, elements: [] },
    { name: 'KUBE-6-X', header: bitmap, elements: [{ port: 30080 }] },
  ]);
  const sets = await reader.read(['A', 'EMPTY', 'KUBE-6-X', 'MISSING']);
  const ofServices = { type: 'hash:ip,port', family: 'IPv4', maxElements: 65_536 };
  expect([...sets.values()]).toEqual([
    {
      name: 'A',
      ...ofServices,
      entries: new Set(['10.0.0.1,tcp:80', '10.0.0.1,sctp:80', '10.0.0.2,47:0']),
    },
    { name: 'EMPTY', ...ofServices, entries: new Set() },
    { name: 'KUBE-6-X', type: 'bitmap:port', family: 'IPv6', entries: new Set(['30080']) },
  ]);
  expect(asked).toEqual(['A', 'KUBE-6-X']);
});

test('entries are called as the program calls them', async () => {
  const header = { type: 'hash:ip,port,net', addressFamily: c.AF_INET6 };
  const base = { address: 'fd00::1', protocol: 17, port: 53 };
  const elements = [
    { ...base, secondAddress: 'fd00::', secondPrefixLength: 64 },
    { ...base, secondAddress: 'fd00::9', secondPrefixLength: 128 },
    { ...base, secondAddress: 'fd00::9' },
    { address: 'fd00::', prefixLength: 8 },
    { ...base, protocol: 58, port: 128 << 8 },
    {},
  ];
  const { reader } = kernel([{ name: 'A', header, elements }]);
  const set = (await reader.read(['A'])).get('A')!;
  expect(set.family).toBe('IPv6');
  expect([...set.entries]).toEqual([
    'fd00::1,udp:53,fd00::/64',
    'fd00::1,udp:53,fd00::9',
    'fd00::/8',
    'fd00::1,58:128/0',
  ]);
});

test('a missing kernel module or permission comes with its cure, anything else as it is', async () => {
  for (const [errno, text] of [
    [EINVAL, 'modprobe ip_set'],
    [EPERM, 'CAP_NET_ADMIN'],
    [EBUSY, /^list ipsets: EBUSY, [^(]*$/],
  ] as const) {
    await expect(kernel([], errno).reader.read(['A'])).rejects.toThrow(text);
  }
});

test('closed, it asks nothing more', async () => {
  const { reader } = kernel([]);
  await reader.read(['A']);
  reader.close();
  await expect(reader.read(['A'])).rejects.toMatchObject({ code: 'EBADF' });
});

test('a set that holds just what was known has the same entries, others are read again', async () => {
  const header = { ...services, elementCount: 2 };
  const of = (...addresses: readonly string[]) => {
    const [first, ...rest] = addresses.map((address) => element(address, 6, 80));
    return kernel([
      { name: 'A', header, elements: [first!] },
      { name: 'A', elements: rest },
      { name: 'EMPTY', header: { ...services, elementCount: 0 }, elements: [] },
    ]);
  };
  const names = ['A', 'EMPTY', 'NEW'];
  const known = await of('10.0.0.1', '10.0.0.2').reader.read(names);
  const { reader, asked } = of('10.0.0.2', '10.0.0.1');
  const same = await reader.read(names, known);
  expect(same.get('A')!.entries).toBe(known.get('A')!.entries);
  expect(asked).toEqual(['A']);
  const entriesOf = async (...addresses: readonly string[]) => [
    ...(await of(...addresses).reader.read(names, known)).get('A')!.entries,
  ];
  expect(await entriesOf('10.0.0.1')).toEqual(['10.0.0.1,tcp:80']);
  expect(await entriesOf('10.0.0.1', '10.0.0.3')).toEqual(['10.0.0.1,tcp:80', '10.0.0.3,tcp:80']);
  expect(await entriesOf('10.0.0.1', '10.0.0.2', '10.0.0.3')).toHaveLength(3);
});
