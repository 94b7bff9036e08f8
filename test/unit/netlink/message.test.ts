/** Acknowledgements, errors with the kernel's text, ends of dumps, and the controller. */
import { describe, expect, test } from '@jest/globals';
import { ByteWriter, DecodeError, IS_LITTLE_ENDIAN } from '../../../src/net/bytes.ts';
import * as c from '../../../src/netlink/constants.ts';
import { decodeFamily, encodeFamily, encodeGetFamily } from '../../../src/netlink/genl.ts';
import {
  decodeAcknowledgement,
  decodeDone,
  MessageCursor,
  noReplies,
  type Replies,
  takeReply,
} from '../../../src/netlink/message.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

function first(bytes: Uint8Array): MessageCursor {
  const message = new MessageCursor(bytes);
  expect(message.next()).toBe(true);
  return message;
}

const captured = IS_LITTLE_ENDIAN ? describe : describe.skip;

captured('captured control messages', () => {
  const ack = hex(
    '24000000 0200 0001 3a000000 cb070000  00000000  68000000 1c00 0500 3a000000 00000000',
  );
  const unknownService = hex(
    '24000000 0200 0001 38000000 cb070000  fdffffff  44000000 1c00 0500 38000000 00000000',
  );

  test('success is an error message with number 0', () => {
    expect(decodeAcknowledgement(first(ack))).toEqual({ sequence: 0x3a, errno: 0 });
  });

  test('ESRCH comes as a positive number', () => {
    expect(decodeAcknowledgement(first(unknownService))).toEqual({ sequence: 0x38, errno: 3 });
  });

  test('the extended text and offset of a capped error', () => {
    // EOPNOTSUPP, "Unknown device type", offset 40
    const bytes = hex(`44000000 0200 0003 07000000 cb070000  a1ffffff
      38000000 1000 0506 07000000 00000000
      1800 0100 556e6b6e6f776e2064657669636520747970 6500
      0800 0200 28000000`);
    expect(decodeAcknowledgement(first(bytes))).toEqual({
      sequence: 7,
      errno: 95,
      text: 'Unknown device type',
      offset: 40,
    });
  });

  test('the extended text behind the whole request, when the kernel does not cap it', () => {
    const bytes = hex(`34000000 0200 0002 07000000 cb070000  eaffffff
      14000000 1c00 0500 07000000 00000000  11 01 0000
      0700 0100 6e6f0000 0400 0300`);
    expect(decodeAcknowledgement(first(bytes))).toMatchObject({ errno: 22, text: 'no' });
  });

  test('an answer too short to hold the header of its request is refused, whatever it says', () => {
    const bytes = hex('20000000 0200 0000 07000000 cb070000  eaffffff 14000000 1c00 0500 07000000');
    expect(() => decodeAcknowledgement(first(bytes))).toThrow('acknowledgement of 16 bytes');
  });

  test('a request length that runs past the error is refused', () => {
    const bytes = hex(`28000000 0200 0002 07000000 cb070000  eaffffff
      ffffffff 1c00 0500 07000000 00000000  11 01 0000`);
    expect(() => decodeAcknowledgement(first(bytes))).toThrow(DecodeError);
  });

  test('the end of a dump may carry a late error', () => {
    const done = hex('14000000 0300 0200 07000000 cb070000 eaffffff');
    expect(decodeDone(first(done))).toEqual({ sequence: 7, errno: 22 });
    expect(decodeDone(first(hex('14000000 0300 0200 07000000 cb070000 00000000')))).toEqual({
      sequence: 7,
      errno: 0,
    });
  });

  test('the request for a family', () => {
    const out = new ByteWriter(8);
    const head = { type: c.GENL_ID_CTRL, flags: c.NLM_F_REQUEST | c.NLM_F_ACK, sequence: 3 };
    encodeGetFamily(out, head, 'IPVS');
    expect(Buffer.from(out.written())).toEqual(
      hex('20000000 1000 0500 03000000 00000000  03 01 0000  0900 0200 49505653 00000000'),
    );
  });
});

test('a family reply names number, operations and groups', () => {
  const family = {
    id: 28,
    name: 'IPVS',
    version: 1,
    headerBytes: 0,
    maxAttribute: 6,
    operations: new Map([
      [1, 11],
      [4, 13],
    ]),
    groups: new Map([['events', 9]]),
  };
  const out = new ByteWriter(16);
  encodeFamily(out, { type: c.GENL_ID_CTRL, flags: 0, sequence: 1 }, family);
  expect(decodeFamily(first(out.written()))).toEqual(family);
});

describe('gathering replies', () => {
  /** `type` with an empty or 4-byte payload. */
  const bare = (type: number, flags: number, sequence: number, payload = '') => {
    const out = new ByteWriter();
    out.u32(16 + payload.length / 2);
    out.u16(type);
    out.u16(flags);
    out.u32(sequence);
    out.u32(1);
    out.bytes(hex(payload));
    return out.written();
  };

  const take = (replies: Replies<number>, ...messages: Uint8Array[]) => {
    const message = new MessageCursor(Buffer.concat(messages));
    while (message.next()) takeReply(replies, message, () => message.portId);
  };

  test('over several buffers, until the end', () => {
    const replies = noReplies<number>();
    take(replies, bare(28, 2, 5), bare(c.NLMSG_NOOP, 0, 5));
    expect(replies).toEqual({ items: [1], isInterrupted: false });
    take(replies, bare(28, 2, 5));
    expect(replies.end).toBeUndefined();
    take(replies, bare(c.NLMSG_DONE, 2, 5, '00000000'));
    const end = { sequence: 5, errno: 0 };
    expect(replies).toEqual({ items: [1, 1], isInterrupted: false, end });
  });

  test('a dump that the kernel calls interrupted says so', () => {
    const replies = noReplies<number>();
    const flags = c.NLM_F_MULTI | c.NLM_F_DUMP_INTR;
    take(replies, bare(16, c.NLM_F_MULTI, 5), bare(c.NLMSG_DONE, flags, 5));
    expect(replies.isInterrupted).toBe(true);
  });
});

describe('messages cut short', () => {
  test('a length beyond the buffer, and one below the header', () => {
    const header = new ByteWriter();
    header.u32(64);
    header.zeros(12);
    expect(() => new MessageCursor(header.written()).next()).toThrow(DecodeError);
    header.reset();
    header.u32(12);
    header.zeros(12);
    expect(() => new MessageCursor(header.written()).next()).toThrow(DecodeError);
  });
});
