import { expect, test } from '@jest/globals';
import {
  beginNest,
  endAttribute,
  putAddress,
  putU16be,
  putU32be,
  putU8,
} from '../../../src/netlink/attributes.ts';
import { ByteWriter } from '../../../src/net/bytes.ts';
import {
  type ConntrackEntry,
  decodeConntrack,
  encodeDeleteConntrack,
} from '../../../src/netlink/conntrack.ts';
import * as c from '../../../src/netlink/constants.ts';
import { endMessage, MessageCursor } from '../../../src/netlink/message.ts';
import { beginNetfilter } from '../../../src/netlink/netfilter.ts';

/** linux/in.h */
const ICMP = 1;
const UDP = 17;
const head = { type: 0, flags: 0, sequence: 1 };

function decoded(write: (out: ByteWriter) => void): ConntrackEntry | undefined {
  const out = new ByteWriter();
  write(out);
  const message = new MessageCursor(out.written());
  expect(message.next()).toBe(true);
  return decodeConntrack(message);
}

/**
 * As nf_conntrack_netlink.c writes it: the zone of one direction stands in the tuple of that
 * direction (ctnetlink_dump_zone_id).
 */
function putTuple(out: ByteWriter, type: number, zone: number, protocol = UDP): void {
  const start = beginNest(out, type);
  const ip = beginNest(out, c.CTA_TUPLE_IP);
  putAddress(out, 1, '10.244.1.20');
  putAddress(out, 2, '10.96.0.10');
  endAttribute(out, ip);
  const proto = beginNest(out, c.CTA_TUPLE_PROTO);
  putU8(out, 1, protocol);
  if (protocol !== ICMP) {
    putU16be(out, 2, 40_000);
    putU16be(out, 3, 53);
  }
  endAttribute(out, proto);
  // linux/nfnetlink_conntrack.h: CTA_TUPLE_ZONE
  if (zone !== 0) putU16be(out, 3, zone);
  endAttribute(out, start);
}

test.each([
  ['none', 0, 0, 0, 0],
  ['the entry', 7, 0, 0, 7],
  ['its original direction alone', 0, 5, 0, 5],
  ['its reply direction alone', 0, 0, 6, 6],
])('the zone of %s is read', (_, ofEntry, ofOriginal, ofReply, zone) => {
  const entry = decoded((out) => {
    const family = { subsystem: 1, type: 0, addressFamily: 2 };
    const start = beginNetfilter(out, family, head);
    putTuple(out, 1, ofOriginal);
    putTuple(out, 2, ofReply);
    // CTA_ZONE, CTA_ID
    if (ofEntry !== 0) putU16be(out, 18, ofEntry);
    putU32be(out, 12, 0x0102_0304);
    endMessage(out, start);
  });
  expect(entry).toMatchObject({ zone, id: 0x0102_0304, protocol: UDP });
});

test('an entry is deleted by its tuple and its id: one made anew between the same ends is another', () => {
  const original = {
    source: '10.244.1.20',
    sourcePort: 40_000,
    destination: '10.96.0.10',
    destinationPort: 53,
  };
  const out = new ByteWriter();
  encodeDeleteConntrack(out, head, { protocol: 17, original, id: 0x0102_0304 });
  const message = new MessageCursor(out.written());
  message.next();
  const found: number[] = [];
  const attributes = message.attributes(4);
  while (attributes.next()) found.push(attributes.type);
  // CTA_TUPLE_ORIG, CTA_ID
  expect(found).toEqual([1, 12]);
  expect(Buffer.from(out.written()).toString('hex')).toMatch(/08000c0001020304$|0008000c01020304$/);
});

test.each([
  ['both directions', ICMP, ICMP],
  ['one direction', ICMP, UDP],
  ['the other', UDP, ICMP],
])('a protocol without ports in %s is no entry of ours', (_, ofOriginal, ofReply) => {
  const entry = decoded((out) => {
    const family = { subsystem: 1, type: 0, addressFamily: 2 };
    const start = beginNetfilter(out, family, head);
    putTuple(out, 1, 0, ofOriginal);
    putTuple(out, 2, 0, ofReply);
    endMessage(out, start);
  });
  expect(entry).toBeUndefined();
});
