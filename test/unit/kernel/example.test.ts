/**
 * The way of every kernel message, for whoever adds one: a codec of netlink/ writes and reads
 * bytes, NetlinkSocket numbers and packs them, the addon moves them. Any Linux answers this one,
 * root or not.
 */
import { expect, test } from '@jest/globals';
import { NetlinkSocket } from '../../../src/kernel/netlinkSocket.ts';
import { NETLINK_ROUTE } from '../../../src/netlink/constants.ts';
import { decodeLink, encodeDumpLinks } from '../../../src/netlink/rtnlLinks.ts';

test('the kernel lists its links, and the loopback device is the first', async () => {
  const socket = new NetlinkSocket({ protocol: NETLINK_ROUTE });
  try {
    const [links = []] = await socket.dump(
      'list links',
      [{ encode: (out, head) => encodeDumpLinks(out, head) }],
      (message) => decodeLink(message),
    );
    const [first] = links;
    expect([first?.index, first?.name]).toEqual([1, 'lo']);
  } finally {
    socket.close();
  }
});
