/** How much a listing asks of the kernel. */
import { beforeEach, expect, test } from '@jest/globals';
import { IpvsListing } from '../../../src/kernel/ipvsListing.ts';
import type { IpvsService } from '../../../src/netlink/ipvs.ts';
import { FakeIpvs } from '../../support/fakeNetlink.ts';

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
