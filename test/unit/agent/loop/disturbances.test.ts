/** What the kernel tells of the dummy device while the loop runs. */
import { afterEach, expect, test } from '@jest/globals';
import type { DummyNews } from '../../../../src/dataplane/dataplane.ts';
import { ADDRESSES_PART } from '../../../../src/dataplane/part.ts';
import { serverKey } from '../../../../src/dataplane/state.ts';
import { FakeKernel } from '../../../support/kernel/fakeKernel.ts';
import { rawService, rawSlice } from '../../../support/objects/rawObjects.ts';
import { settle } from '../../../support/program/fakeClock.ts';
import { LoopHarness } from '../../../support/program/loopHarness.ts';

const ADDRESS = '10.96.0.10';
const SERVER = '10.96.0.10:80/TCP';

let harness: LoopHarness;
afterEach(() => harness.stop());

async function started(kernel = new FakeKernel()): Promise<FakeKernel> {
  harness = await LoopHarness.create(kernel);
  harness.service(rawService());
  harness.slice(rawSlice());
  harness.start();
  await harness.round();
  return kernel;
}

function told(bound: Readonly<Record<string, boolean>>, isDeviceGone = false): void {
  const news: DummyNews = { addresses: new Map(Object.entries(bound)), isDeviceGone };
  harness.loop.noticed(news);
}

test('an address that somebody takes away is bound again without an audit', async () => {
  const kernel = await started();
  kernel.state.addresses.delete(ADDRESS);
  told({ [ADDRESS]: false });
  const { planned, isFull } = await harness.round();
  expect(planned).toEqual([{ op: 'bindAddress', address: ADDRESS }]);
  expect(isFull).toBe(false);
  expect(kernel.state.addresses).toContain(ADDRESS);
  expect(kernel.reads).toBe(1);
});

test('an address that somebody puts there goes', async () => {
  const kernel = await started();
  kernel.state.addresses.add('192.0.2.77');
  told({ '192.0.2.77': true });
  const { planned } = await harness.round();
  expect(planned).toEqual([{ op: 'unbindAddress', address: '192.0.2.77' }]);
});

test('the device comes back with all that was on it', async () => {
  const kernel = await started();
  kernel.state.addresses.clear();
  kernel.state.hasDummyDevice = false;
  told({}, true);
  const { planned } = await harness.round();
  expect(planned).toEqual([{ op: 'createDummyDevice' }, { op: 'bindAddress', address: ADDRESS }]);
  expect(kernel.state.addresses).toContain(ADDRESS);
});

test('what we did ourselves is no reason for a round', async () => {
  const kernel = await started();
  const asked = kernel.asked.length;
  told({ [ADDRESS]: true });
  harness.removeService('default/web');
  await harness.round();
  told({ [ADDRESS]: false });
  await settle();
  expect(kernel.asked.slice(asked).map(({ op }) => op)).not.toContain('bindAddress');
  expect(kernel.asked.slice(asked).filter(({ op }) => op === 'unbindAddress')).toHaveLength(1);
});

test('what is told while a round is under way is compared with what that did', async () => {
  const kernel = await started();
  const { promise, resolve } = Promise.withResolvers<void>();
  const apply = kernel.apply.bind(kernel);
  kernel.apply = async (plan) => {
    const report = await apply(plan);
    await promise;
    return report;
  };
  harness.removeService('default/web');
  await settle();
  told({ [ADDRESS]: false });
  await settle();
  resolve();
  await harness.round();
  await settle();
  expect(kernel.asked.filter(({ op }) => op === 'bindAddress')).toHaveLength(1);
});

test.each<[string, () => void]>([
  ['the device went', () => told({}, true)],
  ['an address went', () => told({ [ADDRESS]: false })],
  ['an address came', () => told({ '192.0.2.77': true })],
])('what is over when it is told changes nothing: %s', async (_, tell) => {
  const kernel = await started();
  const asked = kernel.asked.length;
  tell();
  await settle();
  expect(kernel.dummyReads).toBe(1);
  expect(kernel.asked.slice(asked)).toEqual([]);
});

test('what cannot be looked at is left to an audit, which comes at once', async () => {
  const kernel = await started();
  kernel.unreadable.set(ADDRESSES_PART, new Error('EINTR'));
  kernel.state.addresses.delete(ADDRESS);
  told({ [ADDRESS]: false });
  await harness.roundWhere(({ isFull }) => isFull);
  expect(harness.readings.map((unread) => [...unread.keys()])).toEqual([[], [ADDRESSES_PART]]);
  kernel.unreadable.clear();
  const { planned } = await harness.roundWhere(({ report }) => report.done.length > 0);
  expect(planned).toEqual([{ op: 'bindAddress', address: ADDRESS }]);
});

test('what is told before the kernel has been read says nothing', async () => {
  harness = await LoopHarness.create(new FakeKernel());
  told({ '192.0.2.77': true }, true);
  harness.service(rawService());
  harness.start();
  const { planned } = await harness.round();
  expect(planned).not.toContainEqual({ op: 'unbindAddress', address: '192.0.2.77' });
});

test.each<[string, () => void]>([
  ['told of by the kernel', () => told({ [ADDRESS]: false })],
  ['seen by the audit', () => undefined],
])('a Service that is deleted while its address is away leaves no server: %s', async (_, tell) => {
  const kernel = new FakeKernel();
  harness = await LoopHarness.create(kernel, { syncPeriodMs: 50 });
  harness.service(rawService());
  harness.slice(rawSlice());
  harness.start();
  await harness.round();
  const foreign = { ...kernel.state.virtualServers.get(SERVER)!, address: '203.0.113.9' };
  kernel.state.virtualServers.set(serverKey(foreign), foreign);
  kernel.state.addresses.delete(ADDRESS);
  kernel.failureRule = ({ op }) => (op === 'bindAddress' ? new Error('not now') : undefined);
  tell();
  await harness.roundWhere(({ report }) => report.failed.length > 0);
  harness.removeService('default/web');
  await harness.roundWhere(() => !kernel.state.virtualServers.has(SERVER));
  expect([...kernel.state.virtualServers.keys()]).toEqual([serverKey(foreign)]);
});
