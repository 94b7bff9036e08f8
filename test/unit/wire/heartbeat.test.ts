/** Expected bytes were made by a program of its own: Python's struct and socket.inet_pton. */
import { describe, expect, test } from '@jest/globals';
import {
  bodyCapacity,
  decodeHeartbeat,
  encodeHeartbeat,
  type Heartbeat,
  type HeartbeatHeader,
  joinSignature,
  MAX_DATAGRAM_BYTES,
  splitSignature,
} from '../../../src/wire/heartbeat.ts';
import { ADDRESS_ENTRY_BYTES, ATTACHMENT_BYTES, inParts } from '../../../src/wire/heartbeatBody.ts';
import { bytesOf, changed, hexOf } from '../../support/wire/frames.ts';

const header: HeartbeatHeader = {
  node: 'n1',
  isReady: false,
  isLeaving: false,
  isApiServerReachable: false,
  isObserver: false,
  bootId: 0x0102_0304_0506_0708n,
  sequence: 9n,
  ageMs: 61_000,
  generation: 3,
  configurationHash: 0xdead_beef,
  echo: { bootId: 0x1112_1314_1516_1718n, sequence: 7n },
};

const beat: Heartbeat = {
  ...header,
  type: 'beat',
  node: 'node-1',
  isReady: true,
  isApiServerReachable: true,
};
const claims: Heartbeat = {
  ...header,
  type: 'claims',
  part: 1,
  parts: 3,
  entries: ['192.0.2.64', '2001:db8::1'],
};
const attach: Heartbeat = {
  ...header,
  type: 'attach',
  isObserver: true,
  part: 0,
  parts: 1,
  entries: [
    {
      interfaceName: 'eth0',
      mac: '02:00:00:00:00:0b',
      address: '192.0.2.11',
      prefixLength: 24,
      hasDefaultRoute: true,
    },
  ],
};

test.each([
  [
    'a beat',
    beat,
    `4b4950560101000501020304050607080000000000000009000000000000ee4800000003dead
      beef11121314151617180000000000000007000600006e6f64652d31`,
  ],
  [
    'claims',
    claims,
    `4b4950560103000001020304050607080000000000000009000000000000ee4800000003dead
      beef11121314151617180000000000000007000200266e310001000304c00002400000000000
      000000000000000620010db8000000000000000000000001`,
  ],
  [
    'attachments',
    attach,
    `4b4950560102000801020304050607080000000000000009000000000000ee4800000003dead
      beef111213141516171800000000000000070002002e6e31000000010418010002000000000b
      c000020b00000000000000000000000065746830000000000000000000000000`,
  ],
])('%s has the bytes that it should, and is read from them', (_, heartbeat, text) => {
  expect(hexOf(encodeHeartbeat(heartbeat))).toBe(hexOf(bytesOf(text)));
  expect(decodeHeartbeat(bytesOf(text))).toEqual(heartbeat);
});

test('types and flags have their numbers', () => {
  const none = { part: 0, parts: 1, entries: [] };
  const all = [
    { ...header, type: 'beat' as const },
    { ...header, type: 'attach' as const, ...none },
    { ...header, type: 'claims' as const, ...none },
    { ...header, type: 'release' as const, ...none },
    { ...header, type: 'unable' as const, ...none },
    { ...header, type: 'ask' as const },
  ];
  expect(all.map((heartbeat) => encodeHeartbeat(heartbeat)[5])).toEqual([1, 2, 3, 4, 5, 6]);
  const flags = ['isReady', 'isLeaving', 'isApiServerReachable', 'isObserver'] as const;
  const numbers = flags.map((flag) =>
    encodeHeartbeat({ ...header, type: 'beat', [flag]: true })
      .slice(6, 8)
      .join(),
  );
  expect(numbers).toEqual(['0,1', '0,2', '0,4', '0,8']);
});

describe('the signature', () => {
  test('is the last 32 bytes, over all before it', () => {
    const signed = encodeHeartbeat(beat);
    const signature = new Uint8Array(32).fill(7);
    const datagram = joinSignature({ signed, signature });
    expect(datagram).toHaveLength(60 + 6 + 32);
    expect(splitSignature(datagram)).toEqual({ signed, signature });
  });

  test('of another length is a bug', () => {
    const signature = new Uint8Array(31);
    expect(() => joinSignature({ signed: new Uint8Array(60), signature })).toThrow(RangeError);
  });

  test.each([
    [0, 'short'],
    [92, 'short'],
    [1201, 'length'],
    [65_507, 'length'],
  ])('of %d bytes is not looked for', (count, reason) => {
    expect(splitSignature(new Uint8Array(count))).toBe(reason);
  });
});

const bytes = encodeHeartbeat(beat);
const list = encodeHeartbeat(claims);
const attachments = encodeHeartbeat(attach);
/** Where the bodies begin, behind a name of two letters. */
const BODY = 62;

test.each([
  ['nothing', new Uint8Array(), 'short'],
  ['a byte less than a header', bytes.slice(0, 59), 'short'],
  ['another program', changed(bytes, 0, 0x4c), 'magic'],
  ['a later version', changed(bytes, 4, 2), 'version'],
  ['type 0', changed(bytes, 5, 0), 'type'],
  ['type 7', changed(bytes, 5, 7), 'type'],
  ['a byte too few', bytes.slice(0, -1), 'length'],
  [
    'a byte too many',
    new Uint8Array(bytes.length + 1).fill(0).map((_, i) => bytes[i] ?? 0),
    'length',
  ],
  ['a name beyond the end', changed(bytes, 56, 0xff, 0xff), 'length'],
  ['a body beyond the end', changed(bytes, 58, 0xff, 0xff), 'length'],
  ['no name', changed(bytes.slice(0, 60), 56, 0, 0), 'name'],
  ['a name with a NUL', changed(bytes, 62, 0), 'name'],
  ['a name with a slash', changed(bytes, 62, 0x2f), 'name'],
  ['a name that is no ASCII', changed(bytes, 62, 0xc3, 0xbc), 'name'],
  ['boot id 0', changed(bytes, 8, 0, 0, 0, 0, 0, 0, 0, 0), 'field'],
  ['sequence 0', changed(bytes, 16, 0, 0, 0, 0, 0, 0, 0, 0), 'field'],
  ['an age of 300,000 years and more', changed(bytes, 24, 0, 0x20), 'field'],
  ['a beat with a body', changed(list, 5, 1), 'body'],
  ['half a part', changed(list.slice(0, BODY + 3), 58, 0, 3), 'body'],
  ['half an address', changed(list.slice(0, -1), 58, 0, 37), 'body'],
  ['a part behind the last', changed(list, BODY, 0, 3), 'body'],
  ['none of no parts', changed(list, BODY, 0, 0, 0, 0), 'body'],
  ['family 5', changed(list, BODY + 4, 5), 'body'],
  ['IPv4 with more behind it', changed(list, BODY + 9, 1), 'body'],
  ['an address as attachment', changed(list, 5, 2), 'body'],
  ['a prefix of 33 bits', changed(attachments, BODY + 5, 33), 'body'],
  ['a MAC of a group', changed(attachments, BODY + 8, 3), 'body'],
  ['an interface without a name', changed(attachments, BODY + 30, 0), 'body'],
  ['a name of an interface without an end', changed(attachments, BODY + 45, 0x61), 'body'],
])('a datagram is refused with the reason: %s', (_, signed, reason) => {
  expect(decodeHeartbeat(signed)).toBe(reason);
});

test('flags and reserved bytes of a later version are passed over', () => {
  expect(decodeHeartbeat(changed(bytes, 6, 0x80, 5 | 16))).toEqual(beat);
  expect(decodeHeartbeat(changed(attachments, BODY + 7, 9))).toEqual(attach);
});

test.each(['', 'Node', 'a/b', '-a', 'a'.repeat(254)])('no Node is called %j', (node) => {
  expect(() => encodeHeartbeat({ ...beat, node })).toThrow(RangeError);
});

test.each(['', 'sixteen-letters-'])('no interface is called %j', (interfaceName) => {
  const entries = [{ ...attach.entries[0]!, interfaceName }];
  expect(() => encodeHeartbeat({ ...attach, entries })).toThrow(RangeError);
});

describe('a list in parts', () => {
  const node = 'a'.repeat(253);

  test('fills datagrams up to their limit, and never more', () => {
    const addresses = Array.from({ length: 5000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    const parts = inParts(addresses, ADDRESS_ENTRY_BYTES, bodyCapacity(node));
    expect(parts.flatMap(({ entries }) => entries)).toEqual(addresses);
    // 1200 - 60 - 253 - 32 - 4 bytes have room for 50 of 17.
    expect(parts.map(({ entries }) => entries.length)).toEqual(Array(100).fill(50));
    const sizes = parts.map((part) => encodeHeartbeat({ ...claims, ...part, node }).length + 32);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
    expect(parts.map(({ part }) => part)).toEqual([...parts.keys()]);
    expect(new Set(parts.map((part) => part.parts))).toEqual(new Set([100]));
  });

  test('of attachments has room for 20 of them and more', () => {
    const entries = Array.from({ length: 27 }, () => attach.entries[0]!);
    const parts = inParts(entries, ATTACHMENT_BYTES, bodyCapacity('n1'));
    expect(parts.map((part) => part.entries.length)).toEqual([26, 1]);
    expect(encodeHeartbeat({ ...attach, ...parts[0]! })).toHaveLength(62 + 4 + 26 * 42);
  });

  test('that is empty is one empty part', () => {
    expect(inParts([], ADDRESS_ENTRY_BYTES, 1000)).toEqual([{ part: 0, parts: 1, entries: [] }]);
  });

  test('what has no room is refused, not fragmented', () => {
    const entries = Array.from({ length: 51 }, () => '2001:db8::1');
    expect(() => encodeHeartbeat({ ...claims, node, entries })).toThrow('takes more parts');
  });
});
