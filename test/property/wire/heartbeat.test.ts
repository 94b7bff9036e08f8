/**
 * What is encoded is decoded to the same; whatever else comes is refused with a reason, and never
 * throws; a number passes the replay window once.
 */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { addressFromBytes } from '../../../src/net/address.ts';
import { isUnicastMac, macFromBytes } from '../../../src/net/macAddress.ts';
import {
  bodyCapacity,
  decodeHeartbeat,
  encodeHeartbeat,
  type Heartbeat,
  joinSignature,
  MAX_DATAGRAM_BYTES,
  splitSignature,
} from '../../../src/wire/heartbeat.ts';
import {
  ADDRESS_ENTRY_BYTES,
  type Attachment,
  ATTACHMENT_BYTES,
  inParts,
  type Part,
} from '../../../src/wire/heartbeatBody.ts';
import { ReplayWindow } from '../../../src/wire/replayWindow.ts';

const fixed = (count: number) => fc.uint8Array({ minLength: count, maxLength: count });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const positive = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
const address = fc.oneof(fixed(4), fixed(16)).map(addressFromBytes);
const node = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,100}[a-z0-9])?$/);
const interfaceName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 15 })
  .filter((name) => !name.includes('\0') && Buffer.byteLength(name) <= 15);
const attachment: fc.Arbitrary<Attachment> = fc.record({
  interfaceName,
  mac: fixed(6).map(macFromBytes).filter(isUnicastMac),
  address,
  prefixLength: fc.integer({ min: 0, max: 32 }),
  hasDefaultRoute: fc.boolean(),
});

const header = fc.record({
  node,
  isReady: fc.boolean(),
  isLeaving: fc.boolean(),
  isApiServerReachable: fc.boolean(),
  isObserver: fc.boolean(),
  bootId: positive,
  sequence: positive,
  ageMs: fc.maxSafeNat(),
  generation: u32,
  configurationHash: u32,
  echo: fc.record({ bootId: u64, sequence: u64 }),
});

const part = <T>(entry: fc.Arbitrary<T>): fc.Arbitrary<Part<T>> =>
  fc
    .tuple(fc.nat(0xfffe), fc.nat(0xfffe), fc.array(entry, { maxLength: 20 }))
    .map(([a, b, entries]) => ({ part: Math.min(a, b), parts: Math.max(a, b) + 1, entries }));

const body = fc.oneof(
  fc.record({ type: fc.constantFrom('beat', 'ask') }),
  fc.tuple(fc.constant('attach'), part(attachment)).map(([type, list]) => ({ type, ...list })),
  fc
    .tuple(fc.constantFrom('claims', 'release', 'unable'), part(address))
    .map(([type, list]) => ({ type, ...list })),
);
const heartbeat: fc.Arbitrary<Heartbeat> = fc
  .tuple(header, body)
  .map(([fields, rest]) => ({ ...fields, ...rest }));

test('decode(encode(x)) = x, through the signature too', () => {
  fc.assert(
    fc.property(heartbeat, fixed(32), (value, signature) => {
      const signed = encodeHeartbeat(value);
      const datagram = joinSignature({ signed, signature });
      expect(datagram.length).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
      expect(splitSignature(datagram)).toEqual({ signed, signature });
      expect(decodeHeartbeat(signed)).toEqual(value);
    }),
  );
});

describe('whatever bytes come', () => {
  const nearly = fc
    .tuple(
      heartbeat.map(encodeHeartbeat),
      fc.array(fc.tuple(fc.nat(1200), fc.nat(255)), { maxLength: 4 }),
      fc.integer({ min: -80, max: 40 }),
    )
    .map(([bytes, changes, more]) => {
      const copy = new Uint8Array(Math.max(0, bytes.length + (more > 0 ? more - 20 : more)));
      copy.set(bytes.subarray(0, copy.length));
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy;
    });
  const any = fc.oneof(fc.uint8Array({ maxLength: 1300 }), nearly);

  test('they are a heartbeat that can be written again, or refused with a reason', () => {
    fc.assert(
      fc.property(any, (bytes) => {
        const decoded = decodeHeartbeat(bytes);
        const again =
          typeof decoded === 'string' ? decoded : decodeHeartbeat(encodeHeartbeat(decoded));
        expect(again).toEqual(decoded);
      }),
      { numRuns: 1000 },
    );
  });

  test('nothing beyond the end is looked at', () => {
    fc.assert(
      fc.property(any, fc.nat(255), (bytes, filling) => {
        const memory = new Uint8Array(bytes.length + 100).fill(filling);
        memory.set(bytes, 50);
        const inside = memory.subarray(50, 50 + bytes.length);
        expect(decodeHeartbeat(inside)).toEqual(decodeHeartbeat(bytes));
      }),
    );
  });
});

test('parts of a list are the list, and each fits', () => {
  fc.assert(
    fc.property(node, fc.nat(3000), fc.boolean(), (name, count, isWide) => {
      const list = Array.from({ length: count }, (_, i) => i);
      const bytes = isWide ? ATTACHMENT_BYTES : ADDRESS_ENTRY_BYTES;
      const parts = inParts(list, bytes, bodyCapacity(name));
      expect(parts.flatMap(({ entries }) => entries)).toEqual(list);
      const longest = Math.max(...parts.map(({ entries }) => entries.length));
      expect(4 + longest * bytes).toBeLessThanOrEqual(bodyCapacity(name));
    }),
  );
});

test('the window lets a number pass as a list of all that passed would', () => {
  const near = fc.array(fc.bigInt({ min: 0n, max: 2500n }), { maxLength: 300 });
  fc.assert(
    fc.property(near, (numbers) => {
      const window = new ReplayWindow();
      const passed = new Set<bigint>();
      for (const number of numbers) {
        const highest = [...passed].reduce((a, b) => (a > b ? a : b), 0n);
        const isNew = number > 0n && number > highest - 1024n && !passed.has(number);
        expect(window.accept(number)).toBe(isNew);
        if (isNew) passed.add(number);
      }
    }),
  );
});
