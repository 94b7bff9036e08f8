import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import { isLinkOperation, type LinkOperation, LinkClient } from '../../../src/kernel/linkClient.ts';
import * as c from '../../../src/netlink/constants.ts';
import { FakeRtnl } from '../../support/kernel/fakeRtnl.ts';

const { EACCES, EADDRNOTAVAIL, EINVAL, ENODEV, EOPNOTSUPP, EPERM } = constants.errno;

const create: LinkOperation = { op: 'createDummyDevice' };
const bind = (address: string): LinkOperation => ({ op: 'bindAddress', address });
const unbind = (address: string): LinkOperation => ({ op: 'unbindAddress', address });

function started(hasDevice = true) {
  const kernel = new FakeRtnl();
  const { index } = hasDevice ? kernel.add('kube-ipvs0', 'dummy') : { index: 0 };
  const port = new LinkClient({}, kernel.open);
  const messages = async (...run: LinkOperation[]) =>
    (await port.apply(run)).outcomes.map((outcome) => outcome?.message);
  return { kernel, index, port, messages };
}

const HELD = [undefined, undefined];

test('whole addresses are bound, IPv6 without duplicate detection', async () => {
  const { kernel, messages } = started();
  expect(await messages(bind('10.96.0.1'), bind('fd00::1'))).toEqual(HELD);
  expect(kernel.bound).toEqual(['10.96.0.1/32', 'fd00::1/128']);
  expect(kernel.addresses.map(({ flags }) => flags)).toEqual([0, c.IFA_F_NODAD]);
});

test('binding the bound and unbinding the unbound hold, each by its own refusal alone', async () => {
  const { kernel, messages } = started();
  await messages(bind('10.96.0.1'));
  expect(await messages(bind('10.96.0.1'), unbind('10.96.0.2'))).toEqual(HELD);
  kernel.refusals.set('10.96.0.3', EADDRNOTAVAIL).set('10.96.0.1', constants.errno.EEXIST);
  const [bound, unbound] = await messages(bind('10.96.0.3'), unbind('10.96.0.1'));
  expect(bound).toContain('bind address 10.96.0.3: EADDRNOTAVAIL');
  expect(unbound).toContain('unbind address 10.96.0.1: EEXIST');
});

test('an address that somebody bound with another length is unbound all the same, and nothing else', async () => {
  const { kernel, index, port, messages } = started();
  const odd = {
    family: 'IPv4',
    index,
    address: '10.96.0.5',
    prefixLength: 24,
    scope: 0,
    flags: 0,
  } as const;
  kernel.addresses.push(odd, { ...odd, address: '10.96.0.6' });
  expect(await messages(unbind('10.96.0.5'))).toEqual([undefined]);
  expect(kernel.bound).toEqual(['10.96.0.6/24']);
  expect(await port.apply([unbind('10.96.0.6'), unbind('10.96.0.7')])).toMatchObject({
    kernelWrites: 3,
  });
});

test('a list is asked for only when something was not there to be unbound', async () => {
  const { kernel, messages } = started();
  await messages(bind('10.96.0.1'), bind('10.96.0.1'), unbind('10.96.0.1'));
  expect(kernel.dumps).toBe(0);
  await messages(unbind('10.96.0.1'));
  expect(kernel.dumps).toBe(2);
});

test('writes are those of one run: messages that change something', async () => {
  const { port } = started(false);
  expect(await port.apply([create, bind('10.96.0.1'), bind('10.96.0.2')])).toMatchObject({
    kernelWrites: 3,
  });
  expect(await port.apply([unbind('10.96.0.1')])).toMatchObject({ kernelWrites: 1 });
  expect(await port.apply([])).toEqual({ outcomes: [], kernelWrites: 0 });
});

test('the device is looked for once, however many addresses follow its creation', async () => {
  const one = started(false);
  await one.port.apply([create, bind('10.96.0.1')]);
  const three = started(false);
  await three.port.apply([create, bind('10.96.0.1'), bind('10.96.0.2'), bind('10.96.0.3')]);
  expect(three.kernel.looks).toBe(one.kernel.looks);
});

test('what comes before the creation of the device fails, what comes after it holds', async () => {
  const { kernel, messages } = started(false);
  const outcomes = await messages(
    bind('10.96.0.1'),
    unbind('10.96.0.9'),
    create,
    bind('10.96.0.2'),
  );
  expect(outcomes[0]).toContain('ENODEV');
  expect(outcomes[0]).toContain('device kube-ipvs0 does not exist');
  expect(outcomes.slice(1)).toEqual([undefined, undefined, undefined]);
  expect(kernel.bound).toEqual(['10.96.0.2/32']);
});

test('a device that is there is as good as one that was made, one of another kind is not touched', async () => {
  const { messages } = started();
  expect(await messages(create)).toEqual([undefined]);
  const other = started(false);
  other.kernel.add('kube-ipvs0', 'bridge');
  const outcomes = await other.messages(create, bind('10.96.0.1'));
  for (const outcome of outcomes) expect(outcome).toContain('it is a device of kind bridge');
  expect(other.kernel.bound).toEqual([]);
  await expect(other.port.read()).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(other.port.deleteDevice()).rejects.toMatchObject({ code: 'EEXIST' });
});

test.each([
  ['10.96.0.1', EPERM, 'it takes CAP_NET_ADMIN'],
  ['fd00::1', EPERM, 'it takes CAP_NET_ADMIN'],
  ['fd00::1', EACCES, 'net.ipv6.conf.kube-ipvs0.disable_ipv6'],
])('%s refused with %d: the cure is told', async (address, errno, cure) => {
  const { kernel, messages } = started();
  kernel.refusals.set(address, errno);
  expect(await messages(bind(address))).toEqual([expect.stringContaining(cure)]);
});

test.each([
  ['10.96.0.1', EACCES],
  ['fd00::1', ENODEV],
  ['fd00::1', EINVAL],
])('%s refused with %d: no cure is made up', async (address, errno) => {
  const { kernel, messages } = started();
  kernel.refusals.set(address, errno);
  const [message] = await messages(bind(address));
  expect(message).toMatch(/^bind address [^(]*$/);
});

test('a device that cannot be made: by its right, by its module, or with the bare refusal', async () => {
  const { kernel, messages } = started(false);
  for (const [errno, cure] of [
    [EPERM, 'it takes CAP_NET_ADMIN'],
    [EOPNOTSUPP, 'load or install the kernel module dummy'],
  ] as const) {
    kernel.refusals.set('link', errno);
    expect(await messages(create)).toEqual([expect.stringContaining(cure)]);
  }
  kernel.refusals.set('link', EINVAL);
  expect((await messages(create))[0]).toMatch(/^create device kube-ipvs0: EINVAL/);
});

test('read gives what is bound to our device, of both families, without what the kernel binds itself', async () => {
  const { kernel, index, port } = started();
  await port.apply([bind('10.96.0.1'), bind('fd00::1'), bind('fe80::5')]);
  const automatic = {
    family: 'IPv6',
    index,
    address: 'fe80::1',
    prefixLength: 64,
    scope: 253,
    flags: 0,
  } as const;
  kernel.addresses.push(automatic, {
    ...automatic,
    index: 99,
    address: 'fd00::9',
    prefixLength: 128,
  });
  const expected = {
    hasDummyDevice: true,
    addresses: new Set(['10.96.0.1', 'fd00::1', 'fe80::5']),
  };
  expect(await port.read()).toEqual(expected);
  kernel.ignoresFilters = true;
  expect(await port.read()).toEqual(expected);
});

test('a run may be longer than a call can have arguments', async () => {
  const { port } = started(false);
  const run = Array.from({ length: 150_000 }, (_, i) =>
    unbind(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
  );
  expect((await port.apply(run)).outcomes).toHaveLength(run.length);
});

test('without a device nothing is bound, and there is nothing to delete', async () => {
  const { kernel, port } = started(false);
  expect(await port.read()).toEqual({ hasDummyDevice: false, addresses: new Set() });
  await port.deleteDevice();
  expect(kernel.changes).toEqual([]);
});

test('deleting takes the device with everything on it; a refusal is thrown', async () => {
  const { kernel, port } = started();
  await port.apply([bind('10.96.0.1')]);
  kernel.refusals.set('link', EPERM);
  await expect(port.deleteDevice()).rejects.toThrow('delete device kube-ipvs0: EPERM');
  kernel.refusals.set('link', ENODEV);
  await port.deleteDevice();
  kernel.refusals.clear();
  await port.deleteDevice();
  expect([kernel.links, kernel.addresses]).toEqual([[], []]);
});

test('operations of a device are told from others', () => {
  expect([create, bind('10.96.0.1'), unbind('10.96.0.1')].every(isLinkOperation)).toBe(true);
  expect(isLinkOperation({ op: 'setSysctl', name: 'a', value: '1' })).toBe(false);
});

test('closed, it asks nothing more, and says so of each operation', async () => {
  const { kernel, port, messages } = started();
  await port.read();
  port.close();
  await expect(port.read()).rejects.toMatchObject({ code: 'EBADF' });
  const dumps = kernel.dumps;
  expect(await messages(create, bind('10.96.0.1'))).toEqual([
    expect.stringContaining('EBADF'),
    expect.stringContaining('EBADF'),
  ]);
  expect([kernel.changes, kernel.dumps]).toEqual([[], dumps]);
});

test('addresses that are just those that were known are the same set', async () => {
  const { port, messages } = started();
  await messages(bind('10.96.0.1'), bind('fd00::1'));
  const { addresses: known } = await port.read();
  expect((await port.read(known)).addresses).toBe(known);
  await messages(unbind('10.96.0.1'));
  expect([...(await port.read(known)).addresses]).toEqual(['fd00::1']);
  await messages(bind('10.96.0.2'));
  expect([...(await port.read(known)).addresses].toSorted()).toEqual(['10.96.0.2', 'fd00::1']);
  await messages(bind('10.96.0.1'));
  expect((await port.read(known)).addresses.size).toBe(3);
});
