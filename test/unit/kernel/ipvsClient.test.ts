import { constants } from 'node:os';
import { beforeEach, expect, test } from '@jest/globals';
import { IpvsClient } from '../../../src/kernel/ipvsClient.ts';
import * as c from '../../../src/netlink/constants.ts';
import type { IpvsOperation } from '../../../src/kernel/ipvsApply.ts';
import type { ServerSpec } from '../../../src/dataplane/operations.ts';
import { FakeIpvs } from '../../support/kernel/fakeNetlink.ts';

const spec = (address: string, protocol: ServerSpec['protocol'] = 'TCP'): ServerSpec => ({
  address,
  port: 80,
  protocol,
  scheduler: 'rr',
  flags: [],
});
const WEB = spec('10.96.0.1');
const SIX = spec('fd00::1');
const pod = (address: string, weight = 1) => ({ address, port: 8080, weight });

let kernel: FakeIpvs;
let port: IpvsClient;

beforeEach(() => {
  kernel = new FakeIpvs();
  port = new IpvsClient({}, kernel.open);
});

async function apply(...run: IpvsOperation[]) {
  const { outcomes } = await port.apply(run);
  return outcomes.map((outcome) => outcome?.message);
}

const programmed = () =>
  apply(
    { op: 'addServer', server: WEB },
    { op: 'addDestination', server: WEB, destination: pod('10.244.1.5') },
    { op: 'addDestination', server: WEB, destination: pod('10.244.1.6', 0) },
    { op: 'addServer', server: SIX },
    { op: 'addDestination', server: SIX, destination: pod('fd00:244::5', 0) },
  );

/** As `ipvsadm -g` of somebody else would. */
function makeForeign(): void {
  const [served] = [...kernel.served.values()];
  for (const [key, one] of served!.destinations)
    served!.destinations.set(key, { ...one, forwarding: c.IP_VS_CONN_F_DROUTE });
}

test('what was programmed is read back, each server with its own destinations', async () => {
  await programmed();
  const { virtualServers, foreignServers } = await port.read();
  expect(foreignServers).toEqual([]);
  const read = Array.from(virtualServers, ([key, { destinations }]) => [
    key,
    Array.from(destinations.values(), ({ address, weight }) => `${address} ${weight}`).toSorted(),
  ]);
  expect(Object.fromEntries(read)).toEqual({
    '10.96.0.1:80/TCP': ['10.244.1.5 1', '10.244.1.6 0'],
    '[fd00::1]:80/TCP': ['fd00:244::5 0'],
  });
});

test('connections are those of destinations that drain, of the servers that are asked for', async () => {
  await programmed();
  kernel.setConnections('10.96.0.1:80/6', '10.244.1.6:8080', 3);
  kernel.setConnections('10.96.0.1:80/6', '10.244.1.5:8080', 9);
  expect(await port.connections(['10.96.0.1:80/TCP', '10.96.0.9:80/TCP'])).toEqual([
    {
      server: '10.96.0.1:80/TCP',
      destination: pod('10.244.1.6', 0),
      activeConnections: 3,
      inactiveConnections: 0,
    },
  ]);
  expect(await port.connections([])).toEqual([]);
  expect(await port.connections(['not a server'])).toEqual([]);
});

test('a server that reads as another program’s is named and not changed, others of the run are', async () => {
  await programmed();
  makeForeign();
  const { virtualServers, foreignServers } = await port.read();
  expect([...virtualServers.keys()]).toEqual(['[fd00::1]:80/TCP']);
  expect(foreignServers).toEqual(expect.arrayContaining(['10.96.0.1:80/TCP']));
  const before = kernel.dump();
  const outcomes = await apply(
    { op: 'addServer', server: spec('10.96.0.2') },
    { op: 'addDestination', server: WEB, destination: pod('10.244.1.9') },
    { op: 'removeServer', server: SIX },
    { op: 'updateServer', server: { ...WEB, scheduler: 'wrr' } },
  );
  expect(outcomes).toEqual([
    undefined,
    expect.stringMatching(/EEXIST.*10\.96\.0\.1:80\/TCP is another program's/),
    undefined,
    expect.stringMatching(/EEXIST.*another program's/),
  ]);
  expect(kernel.dump()).toEqual([
    ...before.filter((line) => line.startsWith('10.96.0.1:')),
    '10.96.0.2:80/6 rr',
  ]);
});

test('once it is gone its key is ours to write', async () => {
  await programmed();
  makeForeign();
  await port.read();
  kernel.served.delete('10.96.0.1:80/6');
  await port.read();
  expect(await apply({ op: 'addServer', server: WEB })).toEqual([undefined]);
});

test('a kernel that refuses says so by what was asked', async () => {
  kernel.isPermitted = false;
  await expect(port.version()).rejects.toMatchObject({ code: 'EPERM', op: 'read IPVS version' });
  await expect(port.read()).rejects.toMatchObject({ op: 'list virtual servers' });
  const timeouts = { tcpSec: 900, tcpFinSec: 120, udpSec: 300 };
  await expect(port.setTimeouts(timeouts)).rejects.toMatchObject({
    errno: constants.errno.EPERM,
    op: 'set IPVS timeouts to 900 s, 120 s, 300 s',
  });
});

test('the version is the kernel’s', async () => {
  expect(await port.version()).toMatchObject({ version: 0x010201 });
});

test('closed, it asks nothing more', async () => {
  await programmed();
  await port.read();
  expect(kernel.openNow).toBe(2);
  port.close();
  expect(kernel.openNow).toBe(0);
  await expect(port.read()).rejects.toMatchObject({ code: 'EBADF' });
  expect((await port.apply([{ op: 'removeServer', server: WEB }])).outcomes[0]).toBeDefined();
});

test('what is as it was known is the same object, and all of it if all is', async () => {
  await programmed();
  const { virtualServers: known } = await port.read();
  expect((await port.read(known)).virtualServers).toBe(known);
  await apply({ op: 'updateDestination', server: WEB, destination: pod('10.244.1.5', 7) });
  const { virtualServers: changed } = await port.read(known);
  expect(changed).not.toBe(known);
  expect(changed.get('[fd00::1]:80/TCP')).toBe(known.get('[fd00::1]:80/TCP'));
  expect(changed.get('10.96.0.1:80/TCP')!.destinations.get('10.244.1.5:8080')!.weight).toBe(7);
  await apply({ op: 'removeServer', server: SIX });
  expect([...(await port.read(changed)).virtualServers.keys()]).toEqual(['10.96.0.1:80/TCP']);
  expect([...(await port.read(new Map())).virtualServers.keys()]).toEqual(['10.96.0.1:80/TCP']);
});
