import { constants } from 'node:os';
import { afterEach, expect, jest, test } from '@jest/globals';
import type { DummyNews } from '../../../src/dataplane/dataplane.ts';
import type { RawReplies, RawSocket, SocketOptions } from '../../../src/kernel/addon.ts';
import { KernelError } from '../../../src/kernel/errors.ts';
import { gatewaysOf, interfacesOf } from '../../../src/kernel/hostObserver.ts';
import { HostWatch } from '../../../src/kernel/hostWatch.ts';
import { ByteWriter } from '../../../src/net/bytes.ts';
import * as c from '../../../src/netlink/constants.ts';
import { encodeAddress, type InterfaceAddress } from '../../../src/netlink/rtnlAddresses.ts';
import { encodeLink, type Link } from '../../../src/netlink/rtnlLinks.ts';
import { encodeRoute, type Route } from '../../../src/netlink/rtnlRoutes.ts';

const link = (index: number, name: string, flags = c.IFF_UP): Link => ({
  index,
  name,
  flags,
  hardwareType: 1,
});
const address = (index: number, text: string, flags = c.IFA_F_PERMANENT): InterfaceAddress => ({
  family: text.includes(':') ? 'IPv6' : 'IPv4',
  index,
  address: text,
  prefixLength: 24,
  scope: 0,
  flags,
});
const route = (fields: Partial<Route>): Route => ({
  family: 'IPv4',
  destinationLength: 0,
  table: c.RT_TABLE_MAIN,
  protocol: 2,
  scope: 0,
  type: c.RTN_UNICAST,
  nextHops: [],
  ...fields,
});

test('interfaces hold their addresses; our device and refused addresses are left out', () => {
  const links = [link(1, 'lo'), link(2, 'eth0', 0), link(3, 'kube-ipvs0')];
  const addresses = [
    address(2, '192.0.2.1'),
    address(2, '2001:db8::1', c.IFA_F_DADFAILED),
    address(3, '10.96.0.1'),
  ];
  expect(interfacesOf(links, addresses)).toEqual([
    { name: 'lo', isUp: true, addresses: [] },
    { name: 'eth0', isUp: false, addresses: ['192.0.2.1/24'] },
  ]);
});

test('gateways are those of default routes of the main table, each once', () => {
  const gateways = gatewaysOf([
    route({ nextHops: [{ gateway: '192.0.2.1' }] }),
    route({ nextHops: [{ gateway: '192.0.2.1' }, { gateway: '192.0.2.2' }] }),
    route({
      destination: '198.51.100.0',
      destinationLength: 24,
      nextHops: [{ gateway: '1.1.1.1' }],
    }),
    route({ table: 100, nextHops: [{ gateway: '2.2.2.2' }] }),
    route({ nextHops: [{ outInterface: 3 }] }),
  ]);
  expect(gateways).toEqual(['192.0.2.1', '192.0.2.2']);
});

/** A listening socket that is told what arrives. */
function scripted() {
  const waiting: { resolve: (replies: RawReplies) => void; reject: (error: unknown) => void }[] =
    [];
  const socket: RawSocket = {
    transact: () => Promise.reject(new Error('not asked for')),
    receive: () =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
      }),
    joinGroup: () => undefined,
    close: () => {
      for (const { reject } of waiting.splice(0)) {
        reject(new KernelError({ op: 'receive', errno: 125 }));
      }
    },
  };
  const arrive = async (
    put: (
      out: ByteWriter,
      head: (type: number) => { type: number; flags: number; sequence: number },
    ) => void,
    isOverrun = false,
  ) => {
    const out = new ByteWriter();
    put(out, (type) => ({ type, flags: 0, sequence: 0 }));
    waiting.shift()!.resolve({ bytes: out.written().slice(), isOverrun });
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  const fail = async (errno: number) => {
    waiting.shift()!.reject(new KernelError({ op: 'receive', errno }));
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { open: () => socket, arrive, fail, waiting };
}

afterEach(() => {
  jest.useRealTimers();
});

function watching() {
  jest.useFakeTimers();
  const { open, ...script } = scripted();
  const calls = { count: 0 };
  const dummy: DummyNews[] = [];
  const watch = new HostWatch({}, open, {
    onChange: () => {
      calls.count += 1;
    },
    onDummy: (news) => dummy.push(news),
  });
  watch.know([link(1, 'lo'), link(2, 'eth0'), link(3, 'kube-ipvs0', 0)]);
  const later = () => {
    jest.advanceTimersByTime(100);
    return calls.count;
  };
  return { watch, later, calls, dummy, ...script };
}

test('many changes within 100 ms are told once', async () => {
  const { watch, arrive, later, calls } = watching();
  for (const text of ['192.0.2.1', '192.0.2.2', '2001:db8::1']) {
    await arrive((out, head) => {
      encodeAddress(out, head(c.RTM_NEWADDR), address(2, text));
    });
  }
  expect(calls.count).toBe(0);
  expect(later()).toBe(1);
  expect(later()).toBe(1);
  await watch.stop();
});

test('addresses of our device are not news, whichever number it has at the time', async () => {
  const { watch, arrive, later } = watching();
  await arrive((out, head) => {
    encodeAddress(out, head(c.RTM_NEWADDR), address(3, '10.96.0.1'));
    encodeLink(out, head(c.RTM_DELLINK), link(3, 'kube-ipvs0', 0));
    encodeLink(out, head(c.RTM_NEWLINK), link(9, 'kube-ipvs0', 0));
    encodeAddress(out, head(c.RTM_NEWADDR), address(9, '10.96.0.1'));
  });
  expect(later()).toBe(0);
  await arrive((out, head) => {
    encodeAddress(out, head(c.RTM_DELADDR), address(3, '192.0.2.1'));
  });
  expect(later()).toBe(1);
  await watch.stop();
});

test('what comes and goes on our device is told apart, each address as it is in the end', async () => {
  const { watch, arrive, later, dummy } = watching();
  await arrive((out, head) => {
    encodeAddress(out, head(c.RTM_NEWADDR), address(3, '10.96.0.1'));
    encodeAddress(out, head(c.RTM_DELADDR), address(3, '10.96.0.2'));
    encodeAddress(out, head(c.RTM_NEWADDR), address(3, 'fe80::1'));
  });
  await arrive((out, head) => {
    encodeAddress(out, head(c.RTM_DELADDR), address(3, '10.96.0.1'));
    encodeAddress(out, head(c.RTM_NEWADDR), address(3, 'fd00::1'));
  });
  expect(dummy).toEqual([]);
  expect(later()).toBe(0);
  const bound = { '10.96.0.1': false, '10.96.0.2': false, 'fd00::1': true };
  expect(dummy).toEqual([{ addresses: new Map(Object.entries(bound)), isDeviceGone: false }]);
  await arrive((out, head) => {
    encodeLink(out, head(c.RTM_DELLINK), link(3, 'kube-ipvs0', 0));
    encodeLink(out, head(c.RTM_DELLINK), link(4, 'veth1'));
  });
  later();
  expect(dummy.splice(1)).toEqual([{ addresses: new Map(), isDeviceGone: true }]);
  await arrive((out, head) => {
    encodeLink(out, head(c.RTM_DELLINK), link(4, 'veth1'));
    encodeAddress(out, head(c.RTM_NEWADDR), address(3, '10.96.0.1'));
  });
  expect(later()).toBe(1);
  expect(dummy).toHaveLength(1);
  await watch.stop();
});

test('links are no news, nor are the addresses that a link makes for itself: every pod that starts has them', async () => {
  const { watch, arrive, later } = watching();
  await arrive((out, head) => {
    encodeLink(out, head(c.RTM_NEWLINK), link(4, 'veth1', 0));
    encodeLink(out, head(c.RTM_NEWLINK), link(4, 'veth1'));
    encodeAddress(out, head(c.RTM_NEWADDR), address(4, 'fe80::1'));
    encodeLink(out, head(c.RTM_DELLINK), link(4, 'veth1'));
  });
  expect(later()).toBe(0);
  // An IPv4 link-local address is one that NodePorts answer on.
  await arrive((out, head) => {
    encodeAddress(out, head(c.RTM_NEWADDR), address(2, '169.254.1.1'));
  });
  expect(later()).toBe(1);
  await watch.stop();
});

test.each<[string, Partial<Route>, boolean]>([
  ['a default route', { nextHops: [{ gateway: '192.0.2.1' }] }, true],
  ['an IPv6 one', { family: 'IPv6', nextHops: [{ gateway: 'fe80::1' }] }, true],
  ['one of another table', { table: 100 }, false],
  ['a route to a network', { destination: '198.51.100.0', destinationLength: 24 }, false],
  [
    'the local route of an address',
    { destination: '10.96.0.1', destinationLength: 32, table: c.RT_TABLE_LOCAL },
    false,
  ],
])('%s that comes or goes: news or not', async (_, fields, isNews) => {
  const { watch, arrive, later } = watching();
  await arrive((out, head) => {
    encodeRoute(out, head(c.RTM_NEWROUTE), route(fields));
  });
  expect(later()).toBe(isNews ? 1 : 0);
  await arrive((out, head) => {
    encodeRoute(out, head(c.RTM_DELROUTE), route(fields));
  });
  expect(later()).toBe(isNews ? 2 : 0);
  await watch.stop();
});

test('it listens to addresses and routes of both families, and to links', async () => {
  const { open } = scripted();
  const asked: SocketOptions[] = [];
  const watch = new HostWatch({}, (options) => (asked.push(options), open()), {
    onChange: () => undefined,
    onDummy: () => undefined,
  });
  // linux/rtnetlink.h: RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR |
  // RTMGRP_IPV6_ROUTE
  expect(asked).toMatchObject([{ protocol: 0, groups: 0x1 | 0x10 | 0x40 | 0x100 | 0x400 }]);
  await watch.stop();
});

test('after lost notifications everything may have changed', async () => {
  const { watch, arrive, later } = watching();
  await arrive(() => undefined, true);
  expect(later()).toBe(1);
  await watch.stop();
});

test('a stopped watch says nothing more, not even what was due', async () => {
  const { watch, arrive, later } = watching();
  await arrive((out, head) => {
    encodeAddress(out, head(c.RTM_NEWADDR), address(2, '192.0.2.1'));
  });
  await watch.stop();
  expect(later()).toBe(0);
});

test('a notification that could not be received says that there was one, and the end need not wait', async () => {
  const { watch, fail, later, waiting } = watching();
  await fail(constants.errno.ENOMEM);
  expect(later()).toBe(1);
  // It listens again after a pause only: a socket that is broken for good would be asked without
  // end.
  expect(waiting).toEqual([]);
  await watch.stop();
});

test.each([constants.errno.ECANCELED, constants.errno.EBADF])(
  'a socket that was closed has nothing to tell: %i',
  async (errno) => {
    const { watch, fail, later } = watching();
    await fail(errno);
    expect(later()).toBe(0);
    await watch.stop();
  },
);
