/** rtnetlink requests as the kernel was seen to accept them, and the corners of its replies. */
import { describe, expect, test } from '@jest/globals';
import { ByteWriter, IS_LITTLE_ENDIAN } from '../../../src/net/bytes.ts';
import * as c from '../../../src/netlink/constants.ts';
import { MessageCursor } from '../../../src/netlink/message.ts';
import { decodeRouteEvent } from '../../../src/netlink/rtnl.ts';
import {
  decodeAddress,
  encodeDeleteAddress,
  encodeDumpAddresses,
  encodeNewAddress,
} from '../../../src/netlink/rtnlAddresses.ts';
import { encodeDumpLinks, encodeLink, encodeNewDummy } from '../../../src/netlink/rtnlLinks.ts';
import { decodeRoute, encodeDumpRoutes, encodeRoute } from '../../../src/netlink/rtnlRoutes.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const CREATE = c.NLM_F_REQUEST | c.NLM_F_ACK | c.NLM_F_CREATE | c.NLM_F_EXCL;
const DUMP = c.NLM_F_REQUEST | c.NLM_F_DUMP;

function encoded(write: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter(16);
  write(out);
  return Buffer.from(out.written());
}

function first(bytes: Uint8Array): MessageCursor {
  const message = new MessageCursor(bytes);
  expect(message.next()).toBe(true);
  return message;
}

const littleEndian = IS_LITTLE_ENDIAN ? describe : describe.skip;

littleEndian('requests', () => {
  test('a dummy device is made in one message', () => {
    const bytes = encoded((out) => {
      encodeNewDummy(out, { type: 0, flags: CREATE, sequence: 9 }, 'kube-ipvs0');
    });
    expect(bytes).toEqual(
      hex(`40000000 1000 0506 09000000 00000000  00 00 0000 00000000 80000000 80000000
        0f00 0300 6b7562652d6970767330 00 00  1000 1280 0a00 0100 64756d6d7900 0000`),
    );
  });

  test('an IPv4 address carries IFA_LOCAL and IFA_ADDRESS', () => {
    const bytes = encoded((out) => {
      const address = { index: 7, address: '10.96.0.1', prefixLength: 32 };
      encodeNewAddress(out, { type: 0, flags: CREATE, sequence: 9 }, address);
    });
    expect(bytes).toEqual(
      hex(`28000000 1400 0506 09000000 00000000  02 20 00 00 07000000
        0800 0200 0a600001  0800 0100 0a600001`),
    );
  });

  test('an IPv6 address is bound without duplicate address detection', () => {
    const bytes = encoded((out) => {
      const address = { index: 7, address: 'fd00::1', prefixLength: 128, flags: c.IFA_F_NODAD };
      encodeNewAddress(out, { type: 0, flags: CREATE, sequence: 9 }, address);
    });
    expect(bytes.subarray(16, 24)).toEqual(hex('0a 80 02 00 07000000'));
  });

  test('flags beyond eight bits go into IFA_FLAGS', () => {
    const bytes = encoded((out) => {
      const flags = c.IFA_F_NODAD | c.IFA_F_NOPREFIXROUTE;
      const address = { index: 7, address: '10.96.0.1', prefixLength: 32, flags };
      encodeDeleteAddress(out, { type: 0, flags: 5, sequence: 9 }, address);
    });
    expect(bytes.subarray(-8)).toEqual(hex('0800 0800 02020000'));
  });

  test('dumps carry whole zeroed headers, as strict checking demands', () => {
    const head = { type: 0, flags: DUMP, sequence: 1 };
    expect(encoded((out) => encodeDumpLinks(out, head))).toHaveLength(32);
    expect(encoded((out) => encodeDumpAddresses(out, head, { family: 'IPv6', index: 5 }))).toEqual(
      hex('18000000 1600 0103 01000000 00000000  0a 00 00 00 05000000'),
    );
    const local = { family: 'IPv4', table: c.RT_TABLE_LOCAL, type: c.RTN_LOCAL } as const;
    expect(encoded((out) => encodeDumpRoutes(out, head, local))).toEqual(
      hex('1c000000 1a00 0103 01000000 00000000  02 00 00 00 ff 00 00 02 00000000'),
    );
  });
});

littleEndian('replies', () => {
  test('on a point-to-point link the own address is IFA_LOCAL', () => {
    const bytes = hex(`28000000 1400 0200 01000000 01000000  02 20 80 00 03000000
      0800 0100 0a000002  0800 0200 0a000001`);
    expect(decodeAddress(first(bytes))).toMatchObject({ address: '10.0.0.1', peer: '10.0.0.2' });
  });

  test('an IPv6 address comes without IFA_LOCAL, its flags in 32 bits', () => {
    const bytes = hex(`34000000 1400 0200 01000000 01000000  0a 40 80 fd 03000000
      1400 0100 fe800000 00000000 00000000 00000001  0800 0800 80020000`);
    expect(decodeAddress(first(bytes))).toEqual({
      family: 'IPv6',
      index: 3,
      address: 'fe80::1',
      prefixLength: 64,
      scope: c.RT_SCOPE_LINK,
      flags: c.IFA_F_PERMANENT | c.IFA_F_NOPREFIXROUTE,
    });
  });

  test('an IPv4 default route over an IPv6 gateway', () => {
    const bytes = hex(`3c000000 1800 0200 01000000 01000000  02 00 00 00 fe 03 00 01 00000000
      0800 0400 02000000  1600 1200 0a00 fe800000 00000000 00000000 00000001 0000`);
    expect(decodeRoute(first(bytes))).toMatchObject({
      table: c.RT_TABLE_MAIN,
      nextHops: [{ gateway: 'fe80::1', outInterface: 2 }],
    });
  });
});

test('a default route over two gateways names both', () => {
  const nextHops = [
    { gateway: '192.168.0.1', outInterface: 2 },
    { gateway: '192.168.1.1', outInterface: 3 },
  ];
  const route = {
    family: 'IPv4',
    destinationLength: 0,
    table: 1000,
    protocol: 3,
    scope: 0,
    type: c.RTN_UNICAST,
    nextHops,
  } as const;
  const bytes = encoded((out) => {
    encodeRoute(out, { type: c.RTM_NEWROUTE, flags: 0, sequence: 1 }, route);
  });
  expect(decodeRoute(first(bytes))).toEqual(route);
});

test('announcements say what came and what went; others are passed over', () => {
  const route = {
    family: 'IPv6',
    destinationLength: 128,
    destination: 'fd00::1',
    table: c.RT_TABLE_LOCAL,
    protocol: c.RTPROT_KERNEL,
    scope: 0,
    type: c.RTN_LOCAL,
    nextHops: [],
  } as const;
  const announce = (type: number) =>
    decodeRouteEvent(
      first(encoded((out) => encodeRoute(out, { type, flags: 0, sequence: 0 }, route))),
    );
  expect(announce(c.RTM_NEWROUTE)).toEqual({ kind: 'route', change: 'new', route });
  expect(announce(c.RTM_DELROUTE)).toEqual({ kind: 'route', change: 'gone', route });
  expect(announce(28)).toBeUndefined();
});

test('a port that leaves its bridge is told by the bridge, and has not gone', () => {
  const link = { index: 5, name: 'port1', flags: c.IFF_UP, hardwareType: 1 };
  const bytes = encoded((out) => {
    encodeLink(out, { type: c.RTM_DELLINK, flags: 0, sequence: 0 }, link);
  });
  expect(decodeRouteEvent(first(bytes))).toEqual({ kind: 'link', change: 'gone', link });
  // linux/socket.h: AF_BRIDGE, in ifi_family
  bytes[16] = 7;
  expect(decodeRouteEvent(first(bytes))).toBeUndefined();
});
