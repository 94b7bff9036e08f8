/**
 * What the observer makes of a kernel's refusals; a whole node is read from a real kernel in
 * test/kernel/links.
 */
import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import type { OpenSocket, SocketOptions } from '../../../src/kernel/addon.ts';
import { KernelError } from '../../../src/kernel/errors.ts';
import { KernelHostObserver } from '../../../src/kernel/hostObserver.ts';
import { familyNumber } from '../../../src/netlink/addressFamily.ts';
import * as c from '../../../src/netlink/constants.ts';
import { encodeAddress } from '../../../src/netlink/rtnlAddresses.ts';
import { encodeLink } from '../../../src/netlink/rtnlLinks.ts';
import { encodeRoute } from '../../../src/netlink/rtnlRoutes.ts';
import { FAMILIES, type Family } from '../../../src/net/family.ts';
import { answering, putDumpEnd } from '../../support/kernel/fakeNetlink.ts';

/**
 * A node without devices that has a default route in IPv4 and refuses to list the routes of some
 * families.
 */
function kernel(refusals: Readonly<Partial<Record<Family, number>>>): OpenSocket {
  return () =>
    answering((message, out) => {
      const { type, sequence } = message;
      const head = { type: 0, flags: c.NLM_F_MULTI, sequence };
      const number = message.reader.u8(message.start);
      const family = FAMILIES.find((each) => familyNumber(each) === number);
      const isAboutRoutes = type === c.RTM_GETROUTE && family !== undefined;
      const errno = isAboutRoutes ? refusals[family] : undefined;
      if (isAboutRoutes && family === 'IPv4' && errno === undefined) {
        encodeRoute(out, head, {
          family,
          destinationLength: 0,
          table: c.RT_TABLE_MAIN,
          protocol: 4,
          scope: 0,
          type: c.RTN_UNICAST,
          nextHops: [{ gateway: '192.0.2.1', outInterface: 2 }],
        });
      }
      putDumpEnd(out, sequence, errno);
    });
}

async function gatewaysWith(refusals: Readonly<Partial<Record<Family, number>>>) {
  const settings = { nodeName: 'n1', hasRandomFully: true, apiServerAddresses: [] };
  const observer = new KernelHostObserver(settings, kernel(refusals));
  try {
    return (await observer.read()).defaultGateways;
  } finally {
    observer.close();
  }
}

const { ECANCELED, ENOENT, EPERM } = constants.errno;

test('a family whose main table the kernel has not made yet has no routes', async () => {
  expect(await gatewaysWith({ IPv4: ENOENT, IPv6: ENOENT })).toEqual([]);
  expect(await gatewaysWith({ IPv6: ENOENT })).toEqual(['192.0.2.1']);
});

test('routes that are refused for another reason are unknown, not none', async () => {
  await expect(gatewaysWith({ IPv4: EPERM })).rejects.toThrow('list routes: EPERM');
});

const networkNamespacePath = '/run/netns/node1';
const settings = {
  nodeName: 'n1',
  hasRandomFully: true,
  apiServerAddresses: ['192.0.2.100'],
  networkNamespacePath,
};

/**
 * A node with one device and an address of each family, which lists everything whatever is asked,
 * as kernels without IPv6 or before strict checking do. It notes what is opened, listed and closed.
 */
function wholeNode(linksErrno = 0) {
  const asked: SocketOptions[] = [];
  const noted: string[] = [];
  const listing = answering(({ type, sequence }, out) => {
    const head = { type: 0, flags: c.NLM_F_MULTI, sequence };
    if (type === c.RTM_GETLINK) {
      noted.push('list links');
      encodeLink(out, head, { index: 2, name: 'eth0', flags: c.IFF_UP, hardwareType: 1 });
      return putDumpEnd(out, sequence, linksErrno);
    }
    const of = { index: 2, scope: 0, flags: 0 };
    if (type === c.RTM_GETADDR) {
      const [four, six] = FAMILIES;
      encodeAddress(out, head, { ...of, family: four!, address: '192.0.2.7', prefixLength: 24 });
      encodeAddress(out, head, { ...of, family: six!, address: '2001:db8::7', prefixLength: 64 });
    }
    return putDumpEnd(out, sequence);
  });
  const open: OpenSocket = (options) => {
    asked.push(options);
    const name = options.groups === undefined ? 'asking' : 'listening';
    noted.push(`open ${name}`);
    let cancel: (error: Error) => void = () => undefined;
    return {
      ...listing,
      receive: () =>
        new Promise((_, reject) => {
          cancel = reject;
        }),
      close: () => {
        noted.push(`close ${name}`);
        cancel(new KernelError({ op: 'receive', errno: ECANCELED }));
      },
    };
  };
  return { asked, noted, observer: new KernelHostObserver(settings, open) };
}

test('a node is read as it is, each address once, by one socket of its namespace that checks strictly', async () => {
  const { asked, noted, observer } = wholeNode();
  expect(await observer.read()).toMatchObject({
    nodeName: 'n1',
    hasRandomFully: true,
    apiServerAddresses: ['192.0.2.100'],
    interfaces: [{ name: 'eth0', isUp: true, addresses: ['192.0.2.7/24', '2001:db8::7/64'] }],
    defaultGateways: [],
  });
  expect(asked).toEqual([
    expect.objectContaining({ protocol: c.NETLINK_ROUTE, strictCheck: true, networkNamespacePath }),
  ]);
  observer.close();
  expect(noted).toEqual(['open asking', 'list links', 'close asking']);
});

test('a watch listens before it looks, so that nothing falls between, and ends alone', async () => {
  const { asked, noted, observer } = wholeNode();
  const stop = await observer.watch(
    () => undefined,
    () => undefined,
  );
  expect(noted).toEqual(['open listening', 'open asking', 'list links']);
  expect(asked[0]).toMatchObject({ networkNamespacePath });
  await stop();
  expect(noted.slice(3)).toEqual(['close listening']);
});

test('a watch that cannot look does not go on listening', async () => {
  const { noted, observer } = wholeNode(EPERM);
  await expect(
    observer.watch(
      () => undefined,
      () => undefined,
    ),
  ).rejects.toThrow('list network devices: EPERM');
  expect(noted).toContain('close listening');
});
