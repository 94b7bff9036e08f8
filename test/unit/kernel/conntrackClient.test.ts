import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import type { OpenSocket } from '../../../src/kernel/addon.ts';
import { ConntrackClient } from '../../../src/kernel/conntrackClient.ts';
import { type ConntrackEntry, encodeConntrack } from '../../../src/netlink/conntrack.ts';
import {
  beginNest,
  endAttribute,
  putAddress,
  putU16be,
  putU8,
} from '../../../src/netlink/attributes.ts';
import type { ByteWriter } from '../../../src/net/bytes.ts';
import * as c from '../../../src/netlink/constants.ts';
import { endMessage, type MessageCursor } from '../../../src/netlink/message.ts';
import { beginNetfilter } from '../../../src/netlink/netfilter.ts';
import { answering, putControl, putDumpEnd } from '../../support/kernel/fakeNetlink.ts';

const { EINVAL, ENOENT, EPERM } = constants.errno;
const DELETE = (c.NFNL_SUBSYS_CTNETLINK << 8) | c.IPCTNL_MSG_CT_DELETE;

let ids = 0;

function entry(to: string, port: number, more: Partial<ConntrackEntry> = {}): ConntrackEntry {
  const isIpv6 = to.includes(':');
  const client = isIpv6 ? 'fd00::1' : '10.244.1.20';
  const endpoint = isIpv6 ? 'fd00::2' : '10.244.1.5';
  return {
    protocol: 17,
    original: { source: client, sourcePort: 40_000, destination: to, destinationPort: port },
    reply: {
      source: endpoint,
      sourcePort: 5353,
      destination: client,
      destinationPort: 40_000,
    },
    id: ++ids,
    zone: 0,
    ...more,
  };
}

interface Table {
  readonly entries: readonly ConntrackEntry[];
  /** how often all of them are there, encoded once */
  readonly times?: number;
  /** as kernels before 5.8 do */
  readonly ignoresFilters?: boolean;
  /** of one message; the n-th deletion in turn */
  readonly dumpErrno?: number;
  readonly deleteErrnos?: readonly number[];
}

/**
 * A kernel's table behind the function that opens sockets. It filters by what is in the request's
 * bytes, whatever it is called.
 */
function kernel({ entries, times = 1, ...table }: Table) {
  const { ignoresFilters = false, dumpErrno = 0, deleteErrnos = [] } = table;
  const calls = { dumps: 0, deletes: 0, protocols: [] as number[] };
  const open: OpenSocket = ({ protocol }) => {
    calls.protocols.push(protocol);
    return answering((message, out) => {
      const { type, flags, sequence } = message;
      if (type === DELETE) {
        const errno = deleteErrnos[calls.deletes++] ?? 0;
        const asksForAck = (flags & c.NLM_F_ACK) !== 0;
        if (errno !== 0 || asksForAck) putControl(out, c.NLMSG_ERROR, sequence, errno);
        return;
      }
      calls.dumps += 1;
      const wanted = ignoresFilters ? () => true : filterOf(message);
      const head = { type: 0, flags: c.NLM_F_MULTI, sequence };
      for (const one of entries.filter(wanted)) encodeConntrack(out, head, one);
      const once = out.written().slice();
      for (let time = 1; time < times; time++) out.bytes(once);
      putDumpEnd(out, sequence, dumpErrno);
    });
  };
  return { port: new ConntrackClient({}, open), calls };
}

function filterOf(message: MessageCursor): (entry: ConntrackEntry) => boolean {
  let address: string | undefined;
  let port: number | undefined;
  let protocol: number | undefined;
  let flags = 0;
  const isIpv6 = message.reader.u8(message.start) === c.AF_INET6;
  const attributes = message.attributes(4);
  while (attributes.next()) {
    const parts = attributes.nested();
    while (parts.next()) {
      if (attributes.type === c.CTA_FILTER) flags = parts.u32();
      if (attributes.type !== c.CTA_TUPLE_ORIG) continue;
      const fields = parts.nested();
      while (fields.next()) {
        if (parts.type === c.CTA_TUPLE_IP) address = fields.address(isIpv6 ? 'IPv6' : 'IPv4');
        else if (fields.type === c.CTA_PROTO_NUM) protocol = fields.u8();
        else if (fields.type === c.CTA_PROTO_DST_PORT) port = fields.u16be();
      }
    }
  }
  return (one) =>
    one.original.destination.includes(':') === isIpv6 &&
    ((flags & c.CTA_FILTER_F_CTA_PROTO_NUM) === 0 || one.protocol === protocol) &&
    // for IPv6 the real one has it the wrong way round
    ((flags & c.CTA_FILTER_F_CTA_IP_DST) === 0 ||
      (one.original.destination === address) !== isIpv6) &&
    ((flags & c.CTA_FILTER_F_CTA_PROTO_DST_PORT) === 0 || one.original.destinationPort === port);
}

const dns = entry('10.96.0.10', 53);
const ntp = entry('10.96.0.11', 123);
const all = [
  dns,
  entry('10.96.0.10', 54),
  entry('10.96.0.12', 53),
  entry('10.96.0.10', 53, { protocol: 6 }),
  entry('10.96.0.10', 53, { zone: 5 }),
  ntp,
  entry('fd00:10:96::10', 53),
  entry('fd00:10:96::11', 53),
];
const to = [
  { address: '10.96.0.10', port: 53 },
  { address: '10.96.0.11', port: 123 },
];

test('a few addresses are asked for one by one, by a filter in the kernel', async () => {
  const { port, calls } = kernel({ entries: all });
  expect(await port.listUdp('IPv4', to)).toEqual([dns, ntp]);
  expect(calls).toMatchObject({ dumps: 2, protocols: [c.NETLINK_NETFILTER] });
  const six = [
    { address: 'fd00:10:96::10', port: 53 },
    { address: 'fd00:10:96::12', port: 53 },
  ];
  expect(await port.listUdp('IPv6', six)).toEqual([all.at(-2)]);
  expect(calls.dumps).toBe(3);
});

test('many addresses are picked out of one list of all UDP', async () => {
  const { port, calls } = kernel({ entries: all });
  const more = Array.from({ length: 7 }, (_, i) => ({ address: '10.96.1.1', port: i + 1 }));
  expect(await port.listUdp('IPv4', [...to, ...more])).toEqual([dns, ntp]);
  expect(calls.dumps).toBe(1);
});

test('a kernel that ignores filters is asked once, and so from then on', async () => {
  const { port, calls } = kernel({ entries: all, ignoresFilters: true });
  expect(await port.listUdp('IPv4', to)).toEqual([dns, ntp]);
  expect(calls.dumps).toBe(1);
  expect(await port.listUdp('IPv4', to)).toEqual([dns, ntp]);
  expect(calls.dumps).toBe(2);
});

test('another zone does not look like an ignored filter', async () => {
  const { port } = kernel({ entries: [entry('10.96.0.10', 53, { zone: 5 }), ntp] });
  expect(await port.listUdp('IPv4', to)).toEqual([ntp]);
});

test('a zone of one direction alone counts, which the kernel lists within the tuple', async () => {
  const open: OpenSocket = () =>
    answering(({ sequence }, out) => {
      const head = { flags: c.NLM_F_MULTI, sequence };
      const subsystem = c.NFNL_SUBSYS_CTNETLINK;
      const form = { subsystem, type: c.IPCTNL_MSG_CT_NEW, addressFamily: c.AF_INET };
      const start = beginNetfilter(out, form, { type: 0, ...head });
      putTuple(out, c.CTA_TUPLE_ORIG, ntp.original, 5);
      putTuple(out, c.CTA_TUPLE_REPLY, ntp.reply);
      endMessage(out, start);
      encodeConntrack(out, { type: 0, ...head }, dns);
      putDumpEnd(out, sequence);
    });
  expect(await new ConntrackClient({}, open).listUdp('IPv4', to)).toEqual([dns]);
});

function putTuple(out: ByteWriter, type: number, tuple: ConntrackEntry['original'], zone = 0) {
  const start = beginNest(out, type);
  const ip = beginNest(out, c.CTA_TUPLE_IP);
  putAddress(out, c.CTA_IP_V4_SRC, tuple.source);
  putAddress(out, c.CTA_IP_V4_DST, tuple.destination);
  endAttribute(out, ip);
  const proto = beginNest(out, c.CTA_TUPLE_PROTO);
  putU8(out, c.CTA_PROTO_NUM, 17);
  putU16be(out, c.CTA_PROTO_SRC_PORT, tuple.sourcePort);
  putU16be(out, c.CTA_PROTO_DST_PORT, tuple.destinationPort);
  endAttribute(out, proto);
  if (zone !== 0) putU16be(out, c.CTA_TUPLE_ZONE, zone);
  endAttribute(out, start);
}

test('there may be more entries than a call can have arguments', async () => {
  const { port } = kernel({ entries: [dns], times: 150_000 });
  expect(await port.listUdp('IPv4', to)).toHaveLength(150_000);
});

test('an entry is deleted by its id, so that a later one between the same ends stays', async () => {
  const deleted: ConntrackEntry[] = [];
  const open: OpenSocket = () =>
    answering((message, out) => {
      // the request has the tuples of an entry but for the reply
      const attributes = message.attributes(4);
      while (attributes.next()) {
        if (attributes.type === c.CTA_ID) deleted.push({ ...dns, id: attributes.u32be() });
      }
      putControl(out, c.NLMSG_ERROR, message.sequence, 0);
    });
  await new ConntrackClient({}, open).delete([dns]);
  expect(deleted).toEqual([dns]);
});

test('a kernel without ctnetlink is told of by the module that it lacks', async () => {
  const { port } = kernel({ entries: [], dumpErrno: EINVAL });
  await expect(port.listUdp('IPv4', to)).rejects.toThrow(/EINVAL.*nf_conntrack_netlink/);
});

test('what is gone already counts as neither deleted nor failed', async () => {
  const { port, calls } = kernel({ entries: all, deleteErrnos: [0, ENOENT, 0] });
  expect(await port.delete([dns, ntp, all[1]!])).toBe(2);
  expect(calls.deletes).toBe(3);
});

test('a refused deletion is thrown with its entry, after the others were tried', async () => {
  const { port, calls } = kernel({ entries: all, deleteErrnos: [0, EPERM, 0] });
  await expect(port.delete([dns, ntp, dns])).rejects.toThrow(
    'delete conntrack entry to 10.96.0.11:123/UDP: EPERM',
  );
  expect(calls.deletes).toBe(3);
});

test('closed, it asks nothing more', async () => {
  const { port, calls } = kernel({ entries: all });
  await port.listUdp('IPv4', to);
  port.close();
  await expect(port.listUdp('IPv4', to)).rejects.toMatchObject({ code: 'EBADF' });
  await expect(port.delete([dns])).rejects.toMatchObject({ code: 'EBADF' });
  expect(calls).toMatchObject({ dumps: 2, deletes: 0 });
});
