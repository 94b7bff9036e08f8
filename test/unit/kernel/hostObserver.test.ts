/** What the observer makes of a kernel's refusals; a whole node is read from a real kernel in test/kernel/links. */
import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import type { OpenSocket } from '../../../src/kernel/addon.ts';
import { KernelHostObserver } from '../../../src/kernel/hostObserver.ts';
import { familyNumber } from '../../../src/netlink/addressFamily.ts';
import * as c from '../../../src/netlink/constants.ts';
import { encodeRoute } from '../../../src/netlink/rtnlRoutes.ts';
import { FAMILIES, type Family } from '../../../src/net/family.ts';
import { answering, putDumpEnd } from '../../support/fakeNetlink.ts';

/** A node without devices that has a default route in IPv4 and refuses to list the routes of some families. */
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

const { ENOENT, EPERM } = constants.errno;

test('a family whose main table the kernel has not made yet has no routes', async () => {
  expect(await gatewaysWith({ IPv4: ENOENT, IPv6: ENOENT })).toEqual([]);
  expect(await gatewaysWith({ IPv6: ENOENT })).toEqual(['192.0.2.1']);
});

test('routes that are refused for another reason are unknown, not none', async () => {
  await expect(gatewaysWith({ IPv4: EPERM })).rejects.toThrow('list routes: EPERM');
});
