/**
 * What is encoded is decoded to the same; what is random or cut short fails with DecodeError and
 * nothing else.
 */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ByteWriter, DecodeError, IS_LITTLE_ENDIAN } from '../../../src/net/bytes.ts';
import {
  type ConntrackEntry,
  decodeConntrack,
  encodeConntrack,
} from '../../../src/netlink/conntrack.ts';
import * as c from '../../../src/netlink/constants.ts';
import * as genl from '../../../src/netlink/genl.ts';
import { decodeSetPart, encodeSetPart } from '../../../src/netlink/ipset.ts';
import * as replies from '../../../src/netlink/ipvsReplies.ts';
import * as requests from '../../../src/netlink/ipvsRequests.ts';
import {
  decodeAcknowledgement,
  decodeDone,
  MessageCursor,
  type MessageHead,
  noReplies,
  takeReply,
} from '../../../src/netlink/message.ts';
import { decodeTable, encodeTable } from '../../../src/netlink/nftables.ts';
import { decodeRouteEvent } from '../../../src/netlink/rtnl.ts';
import { decodeAddress, encodeAddress } from '../../../src/netlink/rtnlAddresses.ts';
import { decodeLink, encodeLink } from '../../../src/netlink/rtnlLinks.ts';
import { decodeRoute, encodeRoute } from '../../../src/netlink/rtnlRoutes.ts';
import * as any from './arbitraries.ts';

const HEAD: MessageHead = { type: 28, flags: 0, sequence: 7 };

function encode(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter(16);
  write(out);
  return Uint8Array.from(out.written());
}

function first(bytes: Uint8Array): MessageCursor {
  const message = new MessageCursor(bytes);
  if (!message.next()) throw new DecodeError('empty');
  return message;
}

interface Codec<T> {
  readonly values: fc.Arbitrary<T>;
  readonly write: (out: ByteWriter, value: T) => void;
  readonly read: (message: MessageCursor) => T;
}

const codec = <T>(
  values: fc.Arbitrary<T>,
  write: (out: ByteWriter, value: T) => void,
  read: (message: MessageCursor) => T,
): Codec<unknown> => ({ values, write, read }) as Codec<unknown>;

const both = <A, B>(a: A, b: B): [A, B] => [a, b];
const pair = fc.tuple(any.serviceIdentity, any.destination);
const withCounters = 'with-counters';

const CODECS: Readonly<Record<string, Codec<unknown>>> = {
  'new service': codec(
    any.service,
    (out, value) => requests.encodeNewService(out, HEAD, value),
    (message) => replies.decodeService(message, withCounters),
  ),
  'changed service': codec(
    any.service,
    (out, value) => requests.encodeSetService(out, HEAD, value),
    (message) => replies.decodeService(message, withCounters),
  ),
  'service to delete': codec(
    any.serviceIdentity,
    (out, value) => requests.encodeDeleteService(out, HEAD, value),
    replies.decodeServiceIdentity,
  ),
  'service to get': codec(
    any.serviceIdentity,
    (out, value) => requests.encodeGetService(out, HEAD, value),
    replies.decodeServiceIdentity,
  ),
  'service to zero': codec(
    any.serviceIdentity,
    (out, value) => requests.encodeZero(out, HEAD, value),
    replies.decodeServiceIdentity,
  ),
  'service whose destinations are listed': codec(
    any.serviceIdentity,
    (out, value) => requests.encodeDumpDestinations(out, HEAD, value),
    replies.decodeServiceIdentity,
  ),
  'new destination': codec(
    pair,
    (out, [service, value]) => requests.encodeNewDestination(out, HEAD, service, value),
    (message) =>
      both(
        replies.decodeServiceIdentity(message),
        replies.decodeDestination(message, 'IPv4', withCounters),
      ),
  ),
  'changed destination': codec(
    pair,
    (out, [service, value]) => requests.encodeSetDestination(out, HEAD, service, value),
    (message) =>
      both(
        replies.decodeServiceIdentity(message),
        replies.decodeDestination(message, 'IPv6', withCounters),
      ),
  ),
  'destination to delete': codec(
    fc.tuple(
      any.serviceIdentity,
      any.destination.map(({ family, address, port }) => ({ family, address, port })),
    ),
    (out, [service, value]) => requests.encodeDeleteDestination(out, HEAD, service, value),
    (message) =>
      both(
        replies.decodeServiceIdentity(message),
        replies.decodeDestinationIdentity(message, 'IPv4'),
      ),
  ),
  daemon: codec(
    any.daemon,
    (out, value) => requests.encodeNewDaemon(out, HEAD, value),
    replies.decodeDaemon,
  ),
  'daemon to stop': codec(
    any.u32,
    (out, state) => requests.encodeDeleteDaemon(out, HEAD, { state }),
    (message) => replies.decodeDaemon(message).state,
  ),
  timeouts: codec(
    fc.record({ tcpSec: any.u32, tcpFinSec: any.u32, udpSec: any.u32 }),
    (out, value) => requests.encodeSetTimeouts(out, HEAD, value),
    replies.decodeTimeouts,
  ),
  version: codec(
    fc.record({ version: any.u32, connectionTableSize: any.u32 }),
    (out, value) => requests.encodeVersion(out, HEAD, value),
    replies.decodeVersion,
  ),
  'family request': codec(
    any.name,
    (out, value) => genl.encodeGetFamily(out, HEAD, value),
    genl.decodeGetFamily,
  ),
  family: codec(
    any.genericFamily,
    (out, value) => genl.encodeFamily(out, HEAD, value),
    genl.decodeFamily,
  ),
  link: codec(any.link, (out, value) => encodeLink(out, HEAD, value), decodeLink),
  address: codec(
    any.interfaceAddress,
    (out, value) => encodeAddress(out, HEAD, value),
    decodeAddress,
  ),
  route: codec(any.route, (out, value) => encodeRoute(out, HEAD, value), decodeRoute),
  'conntrack entry': codec<ConntrackEntry | undefined>(
    any.conntrackEntry,
    (out, value) => encodeConntrack(out, HEAD, value!),
    decodeConntrack,
  ),
  'part of an ipset': codec(
    any.setPart,
    (out, value) => encodeSetPart(out, HEAD, value),
    decodeSetPart,
  ),
  'nftables table': codec(any.nftTable, (out, value) => encodeTable(out, HEAD, value), decodeTable),
};

/** Everything that looks into a received message. */
const READERS = [
  ...Object.values(CODECS).map(({ read }) => read),
  decodeAcknowledgement,
  decodeDone,
  decodeRouteEvent,
];

function onlyDecodeErrors(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
}

function readAll(bytes: Uint8Array): void {
  for (const read of READERS) {
    onlyDecodeErrors(() => {
      const message = new MessageCursor(bytes);
      while (message.next()) read(message);
    });
  }
}

describe('decode(encode(x)) = x', () => {
  test.each(Object.entries(CODECS))('%s', (_title, { values, write, read }) => {
    fc.assert(
      fc.property(values, (value) => {
        expect(read(first(encode((out) => write(out, value))))).toEqual(value);
      }),
    );
  });

  test('the order of attributes does not matter', () => {
    fc.assert(
      fc.property(pair, fc.integer(), ([service, value], seed) => {
        const bytes = encode((out) => {
          requests.encodeNewDestination(out, HEAD, service, value);
        });
        const shuffled = shuffleNests(bytes, seed);
        expect(replies.decodeServiceIdentity(first(shuffled))).toEqual(service);
        expect(replies.decodeDestination(first(shuffled), 'IPv4', withCounters)).toEqual(value);
      }),
    );
  });
});

describe('bytes that no kernel sent', () => {
  test('random bytes fail only with DecodeError', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readAll), { numRuns: 500 });
  });

  test('random payloads behind a true header fail only with DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), any.u16, any.u16, (payload, type, flags) => {
        readAll(
          encode((out) => {
            out.u32(16 + payload.length);
            out.u16(type);
            out.u16(flags);
            out.zeros(8);
            out.bytes(payload);
          }),
        );
      }),
      { numRuns: 500 },
    );
  });

  test.each(Object.entries(CODECS))('%s, changed or cut short', (_title, { values, write }) => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(), any.u8, (value, cut, where, byte) => {
        const bytes = encode((out) => write(out, value));
        readAll(bytes.subarray(0, cut % bytes.length));
        bytes[where % bytes.length] = byte;
        readAll(bytes);
        // A message whose own length is true, but which ends in the middle of an attribute.
        const shorter = bytes.slice(0, Math.max(16, (cut % bytes.length) & ~3));
        new DataView(shorter.buffer).setUint32(0, shorter.length, IS_LITTLE_ENDIAN);
        readAll(shorter);
      }),
    );
  });
});

describe('messages over several buffers', () => {
  test('wherever datagrams end, the same replies are gathered', () => {
    const dump = fc.array(any.service, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        dump,
        fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
        (services, cuts) => {
          const datagrams = services.map((service) =>
            encode((out) =>
              requests.encodeNewService(out, { ...HEAD, flags: c.NLM_F_MULTI }, service),
            ),
          );
          datagrams.push(
            encode((out) => {
              out.u32(20);
              out.u16(c.NLMSG_DONE);
              out.u16(c.NLM_F_MULTI);
              out.u32(HEAD.sequence);
              out.u32(0);
              out.i32(0);
            }),
          );
          const gathered = noReplies<unknown>();
          let buffer: Uint8Array[] = [];
          const flush = () => {
            const message = new MessageCursor(Buffer.concat(buffer));
            while (message.next()) {
              takeReply(gathered, message, () => replies.decodeService(message, withCounters));
            }
            buffer = [];
          };
          datagrams.forEach((datagram, i) => {
            buffer.push(datagram);
            if (cuts[i] === true) flush();
          });
          flush();
          expect(gathered.items).toEqual(services);
          expect(gathered.end).toEqual({ sequence: HEAD.sequence, errno: 0 });
        },
      ),
    );
  });
});

/** The attributes of the two nests of a message in another order. */
function shuffleNests(bytes: Uint8Array, seed: number): Uint8Array {
  const view = new DataView(bytes.buffer);
  const result = bytes.slice();
  for (let nest = 20; nest < bytes.length;) {
    const nestEnd = nest + view.getUint16(nest, IS_LITTLE_ENDIAN);
    const attributes: Uint8Array[] = [];
    for (let at = nest + 4; at < nestEnd;) {
      const length = (view.getUint16(at, IS_LITTLE_ENDIAN) + 3) & ~3;
      attributes.push(bytes.subarray(at, at + length));
      at += length;
    }
    const key = (attribute: Uint8Array) => ((attribute[2]! + 1) * (seed | 1)) % 31;
    attributes.sort((a, b) => key(a) - key(b));
    result.set(Buffer.concat(attributes), nest + 4);
    nest = nestEnd;
  }
  return result;
}
