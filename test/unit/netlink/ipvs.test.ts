/**
 * Captured requests and replies of a Linux 6.1 kernel with family number 28, little-endian, byte
 * for byte.
 */
import { describe, expect, test } from '@jest/globals';
import { ByteWriter, DecodeError, IS_LITTLE_ENDIAN } from '../../../src/net/bytes.ts';
import * as c from '../../../src/netlink/constants.ts';
import type { DestinationRequest, ServiceRequest } from '../../../src/netlink/ipvs.ts';
import {
  decodeDestination,
  decodeService,
  decodeTimeouts,
  decodeVersion,
} from '../../../src/netlink/ipvsReplies.ts';
import * as requests from '../../../src/netlink/ipvsRequests.ts';
import { MessageCursor } from '../../../src/netlink/message.ts';

const IPVS = 28;
const REQUEST_ACK = c.NLM_F_REQUEST | c.NLM_F_ACK;

const service: ServiceRequest = {
  family: 'IPv4',
  protocol: 6,
  address: '10.250.0.1',
  port: 80,
  scheduler: 'rr',
  flags: 0,
  timeoutSec: 0,
  netmask: 0xffff_ffff,
};

const destination: DestinationRequest = {
  family: 'IPv4',
  address: '10.244.1.2',
  port: 8080,
  forwarding: c.IP_VS_CONN_F_MASQ,
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
};

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

function encoded(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter(16);
  write(out);
  return Buffer.from(out.written()).toString('hex');
}

function first(bytes: Uint8Array): MessageCursor {
  const message = new MessageCursor(bytes);
  expect(message.next()).toBe(true);
  return message;
}

/** These are little-endian captures; the property tests hold on any machine. */
const captured = IS_LITTLE_ENDIAN ? describe : describe.skip;

captured('captured requests', () => {
  test('a new service is 104 bytes', () => {
    const bytes = encoded((out) => {
      requests.encodeNewService(out, { type: IPVS, flags: REQUEST_ACK, sequence: 0x3a }, service);
    });
    expect(bytes).toBe(
      hex(`68000000 1c00 0500 3a000000 00000000  01 01 0000  5400 0100
        0600 0100 0200 0000  0600 0200 0600 0000  1400 0300 0afa0001 00000000 00000000 00000000
        0600 0400 0050 0000  0700 0600 72720000  0c00 0700 00000000 ffffffff
        0800 0800 00000000  0800 0900 ffffffff`).toString('hex'),
    );
  });

  test('a new destination is 140 bytes', () => {
    const bytes = encoded((out) => {
      const head = { type: IPVS, flags: REQUEST_ACK, sequence: 0x3b };
      requests.encodeNewDestination(out, head, service, destination);
    });
    expect(bytes).toBe(
      hex(`8c000000 1c00 0500 3b000000 00000000  05 01 0000  3000 0100
        0600 0100 0200 0000  0600 0200 0600 0000  1400 0300 0afa0001 00000000 00000000 00000000
        0600 0400 0050 0000  4800 0200  0600 0b00 0200 0000
        1400 0100 0af40102 00000000 00000000 00000000  0600 0200 1f90 0000
        0800 0300 00000000  0800 0400 01000000  0800 0500 00000000  0800 0600 00000000`).toString(
        'hex',
      ),
    );
  });

  test('time-outs are TCP, TCP after FIN, UDP', () => {
    const timeouts = { tcpSec: 900, tcpFinSec: 120, udpSec: 300 };
    const head = { type: IPVS, flags: REQUEST_ACK, sequence: 1 };
    expect(encoded((out) => requests.encodeSetTimeouts(out, head, timeouts))).toBe(
      hex(`2c000000 1c00 0500 01000000 00000000  0c 01 0000
        0800 0400 84030000  0800 0500 78000000  0800 0600 2c010000`).toString('hex'),
    );
  });

  test('sizes of the short requests', () => {
    const head = { type: IPVS, flags: REQUEST_ACK, sequence: 1 };
    const mark = { family: 'IPv4', fwmark: 7 } as const;
    const bytesOf = (write: (out: ByteWriter) => void) => encoded(write).length / 2;
    expect([
      bytesOf((out) => requests.encodeDeleteDestination(out, head, service, destination)),
      bytesOf((out) => requests.encodeDeleteService(out, head, service)),
      bytesOf((out) => requests.encodeDumpDestinations(out, head, service)),
      bytesOf((out) => requests.encodeGetService(out, head, mark)),
      bytesOf((out) => requests.encodeFlush(out, head)),
    ]).toEqual([108, 68, 68, 40, 20]);
  });
});

test('an IPv4 mask is in network order, an IPv6 prefix in host order', () => {
  const netmaskBytes = (request: ServiceRequest) => {
    const text = encoded((out) => {
      requests.encodeNewService(out, { type: IPVS, flags: 1, sequence: 1 }, request);
    });
    return text.slice(-8);
  };
  expect(netmaskBytes({ ...service, netmask: 0xffff_ff00 })).toBe('ffffff00');
  const prefix = netmaskBytes({ ...service, family: 'IPv6', address: 'fd00::1', netmask: 64 });
  expect(prefix).toBe(IS_LITTLE_ENDIAN ? '40000000' : '00000040');
});

test('a batch into a small writer grows it and keeps every message', () => {
  const out = new ByteWriter(16);
  const head = { type: IPVS, flags: c.NLM_F_REQUEST, sequence: 0 };
  for (let port = 1; port <= 500; port++) {
    head.sequence = port;
    requests.encodeNewDestination(out, head, service, { ...destination, port });
  }
  const message = new MessageCursor(out.written());
  const ports: number[] = [];
  while (message.next()) {
    expect(message.sequence).toBe(ports.length + 1);
    ports.push(decodeDestination(message, 'IPv4', 'without-counters').port);
  }
  expect(ports).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
});

test('a batch into memory used before leaves nothing of the old one in the padding', () => {
  const out = new ByteWriter(4096);
  out.bytes(new Uint8Array(4096).fill(0xee));
  out.reset();
  requests.encodeNewService(out, { type: IPVS, flags: REQUEST_ACK, sequence: 1 }, service);
  expect(Buffer.from(out.written()).includes(0xee)).toBe(false);
});

test('numbers that do not fit their field are refused, not wrapped', () => {
  const encode = (port: number) => () =>
    encoded((out) => {
      requests.encodeNewService(out, { type: IPVS, flags: 1, sequence: 1 }, { ...service, port });
    });
  expect(encode(65616)).toThrow(RangeError);
  expect(encode(-1)).toThrow(RangeError);
  expect(encode(80.5)).toThrow(RangeError);
  expect(encode(Number.NaN)).toThrow(RangeError);
});

captured('replies', () => {
  /**
   * One service of UML with HASHED set, 64-bit values behind padding attributes (type 11), 32-bit
   * nest absent.
   */
  const listed = hex(`
    88000000 1c00 0200 05000000 cb070000  01 01 0000  7400 0100
    0600 0100 0200 0000  0600 0200 1100 0000  1400 0300 0a60000a 00000000 00000000 00000000
    0600 0400 0035 0000  0700 0600 72720000  0c00 0700 03000000 ffffffff
    0800 0800 302a0000  0800 0900 ffff0000
    2000 0c00  0400 0b00  0c00 0400 ffffffff ffffffff  0c00 0100 05000000 01000000`);

  test('a listed service, with padding before unaligned 64-bit values', () => {
    expect(decodeService(first(listed), 'with-counters')).toMatchObject({
      family: 'IPv4',
      protocol: 17,
      address: '10.96.0.10',
      port: 53,
      scheduler: 'rr',
      flags: c.IP_VS_SVC_F_PERSISTENT | c.IP_VS_SVC_F_HASHED,
      timeoutSec: 10_800,
      netmask: 0xffff_0000,
      counters: {
        inBytes: 18_446_744_073_709_551_615n,
        connections: 4_294_967_301n,
        inPackets: 0n,
      },
    });
  });

  test('counters are left out when not asked for', () => {
    expect(decodeService(first(listed), 'without-counters')).not.toHaveProperty('counters');
  });

  test('time-outs, and the general reply with its own attribute numbers', () => {
    const timeouts = hex(`2c000000 1c00 0000 05000000 cb070000  0c 01 0000
      0800 0400 84030000  0800 0500 78000000  0800 0600 2c010000`);
    expect(decodeTimeouts(first(timeouts))).toEqual({ tcpSec: 900, tcpFinSec: 120, udpSec: 300 });
    const version = hex(
      '24000000 1c00 0000 05000000 cb070000  0e 01 0000  0800 0100 01020100  0800 0200 00100000',
    );
    expect(decodeVersion(first(version))).toEqual({ version: 0x010201, connectionTableSize: 4096 });
  });
});

describe('malformed replies', () => {
  const messageWith = (write: (out: ByteWriter) => void) => {
    const out = new ByteWriter();
    write(out);
    return first(out.written());
  };
  const head = { type: IPVS, flags: 0, sequence: 1 };

  test('a reply without a service or destination', () => {
    const message = messageWith((out) => requests.encodeFlush(out, head));
    expect(() => decodeService(message, 'with-counters')).toThrow(DecodeError);
    expect(() => decodeDestination(message, 'IPv4', 'with-counters')).toThrow(DecodeError);
  });

  test('an address family that is neither 2 nor 10', () => {
    const message = messageWith((out) => requests.encodeGetService(out, head, service));
    const bytes = message.reader.bytes(0, message.end);
    new Uint16Array(bytes.buffer)[(message.start + 4 + 4 + 4) / 2] = 7;
    expect(() => decodeService(first(bytes), 'with-counters')).toThrow('address family 7');
  });
});
