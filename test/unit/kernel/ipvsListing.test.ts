/** How much a listing asks of the kernel. */
import { beforeEach, expect, test } from '@jest/globals';
import type { OpenSocket } from '../../../src/kernel/addon.ts';
import { IpvsListing } from '../../../src/kernel/ipvsListing.ts';
import type { ByteWriter } from '../../../src/net/bytes.ts';
import * as c from '../../../src/netlink/constants.ts';
import { genericCommand } from '../../../src/netlink/genl.ts';
import type { IpvsService, SyncDaemon } from '../../../src/netlink/ipvs.ts';
import { encodeNewDaemon, encodeSetTimeouts } from '../../../src/netlink/ipvsRequests.ts';
import { MessageCursor, type MessageHead } from '../../../src/netlink/message.ts';
import { answering, FakeIpvs, putControl, putDumpEnd } from '../../support/kernel/fakeNetlink.ts';

let kernel: FakeIpvs;
let listing: IpvsListing;
beforeEach(() => {
  kernel = new FakeIpvs();
  listing = new IpvsListing({}, kernel.open);
});

const service = (index: number): IpvsService => ({
  family: 'IPv4',
  protocol: 6,
  address: `10.0.${index >> 8}.${index & 255}`,
  port: 80,
  scheduler: 'rr',
  flags: 0,
  timeoutSec: 0,
  netmask: 0xffff_ffff,
});

function serve(count: number): void {
  for (let i = 0; i < count; i++) {
    const one = service(i);
    kernel.served.set(`${(one as { address: string }).address}:80/6`, {
      service: one,
      destinations: new Map(),
    });
  }
}

test('one service: its request and one for its destinations, whatever else there is', async () => {
  serve(1000);
  await listing.version();
  kernel.sends.length = 0;
  expect(await listing.service(service(5), 'without-counters')).toEqual({
    service: service(5),
    destinations: [],
  });
  expect(kernel.sends).toEqual([1, 1]);
  expect(await listing.service(service(2000), 'without-counters')).toBeUndefined();
});

test('all services: a dump, then their destinations in pieces', async () => {
  serve(600);
  await listing.version();
  kernel.sends.length = 0;
  const pieces: number[] = [];
  const services = await listing.services('without-counters');
  for await (const piece of listing.withDestinations(services, 'without-counters')) {
    pieces.push(piece.length);
  }
  expect(pieces).toEqual([256, 256, 88]);
  expect(kernel.sends).toEqual([1, 256, 256, 88]);
});

test('none at all asks for no destinations', async () => {
  const services = await listing.services('without-counters');
  const pieces = listing.withDestinations(services, 'without-counters');
  expect(await pieces.next()).toMatchObject({ done: true });
});

test('whoever stops reading leaves nothing behind', async () => {
  serve(600);
  const services = await listing.services('without-counters');
  for await (const piece of listing.withDestinations(services, 'without-counters')) {
    expect(piece).toHaveLength(256);
    listing.close();
    break;
  }
});

test('what is refused is told by what was asked; only a service that is not there is none', async () => {
  await listing.version();
  kernel.isPermitted = false;
  const code = 'EPERM';
  await expect(listing.service(service(1), 'without-counters')).rejects.toMatchObject({
    code,
    op: 'read a virtual server',
  });
  await expect(listing.services('without-counters')).rejects.toMatchObject({
    code,
    op: 'list virtual servers',
  });
  await expect(listing.timeouts()).rejects.toMatchObject({ code, op: 'read IPVS timeouts' });
  await expect(listing.daemons()).rejects.toMatchObject({
    code,
    op: 'list synchronisation daemons',
  });
});

test('a service that goes while its destinations are read has none', async () => {
  serve(1);
  const services = await listing.services('without-counters');
  kernel.served.clear();
  const pieces = listing.withDestinations(services, 'without-counters');
  expect((await pieces.next()).value).toEqual([{ service: service(0), destinations: [] }]);
});

test('closed, it has given its socket back and asks nothing more', async () => {
  await listing.version();
  expect(kernel.openNow).toBe(1);
  listing.close();
  expect(kernel.openNow).toBe(0);
  await expect(listing.version()).rejects.toMatchObject({ code: 'EBADF' });
});

/** The fake has neither timeouts nor daemons: they are answered here, all else by it. */
function withSettings(put: (out: ByteWriter, head: MessageHead) => void) {
  const asked: number[] = [];
  const open: OpenSocket = (options) => {
    const base = kernel.open(options);
    const settings = answering((message, out) => {
      const { sequence, flags } = message;
      asked.push(genericCommand(message));
      put(out, { type: kernel.familyId, flags: c.NLM_F_MULTI, sequence });
      if ((flags & c.NLM_F_DUMP) === c.NLM_F_DUMP) putDumpEnd(out, sequence);
      else putControl(out, c.NLMSG_ERROR, sequence, 0);
    });
    const isLookUp = (request: Uint8Array) => {
      const message = new MessageCursor(request.slice());
      return message.next() && message.type === c.GENL_ID_CTRL;
    };
    return {
      ...base,
      transact: (request, timeoutMs) =>
        (isLookUp(request) ? base : settings).transact(request, timeoutMs),
    };
  };
  return { asked, listing: new IpvsListing({}, open) };
}

test('timeouts are those that the kernel has', async () => {
  const timeouts = { tcpSec: 900, tcpFinSec: 120, udpSec: 300 };
  const { asked, listing: other } = withSettings((out, head) => {
    encodeSetTimeouts(out, head, timeouts);
  });
  expect(await other.timeouts()).toEqual(timeouts);
  expect(asked).toEqual([c.IPVS_CMD_GET_CONFIG]);
});

test('daemons are the master, the backup, or both', async () => {
  const daemons: SyncDaemon[] = [c.IP_VS_STATE_MASTER, c.IP_VS_STATE_BACKUP].map((state) => ({
    state,
    multicastInterface: 'eth0',
    syncId: 5,
  }));
  const { asked, listing: other } = withSettings((out, head) => {
    for (const one of daemons) encodeNewDaemon(out, head, one);
  });
  expect(await other.daemons()).toEqual(daemons);
  expect(asked).toEqual([c.IPVS_CMD_GET_DAEMON]);
});
