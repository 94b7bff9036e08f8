import { expect, test } from '@jest/globals';
import { ADDRESSES_PART, rulesPart } from '../../../../src/dataplane/part.ts';
import { KernelView } from '../../../../src/agent/loop/kernelView.ts';
import type { Operation } from '../../../../src/dataplane/operations.ts';
import { FakeClock } from '../../../support/program/fakeClock.ts';
import { FakeKernel } from '../../../support/kernel/fakeKernel.ts';

const SYSCTLS = ['net/ipv4/ip_forward'];
const bind = (address: string): Operation => ({ op: 'bindAddress', address });

function kernelWithDevice(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.state.hasDummyDevice = true;
  return kernel;
}

async function written(kernel: FakeKernel, view: KernelView, ...operations: Operation[]) {
  view.record(await kernel.apply(operations));
}

test('nothing is known before the first reading', async () => {
  const view = new KernelView(kernelWithDevice(), new FakeClock());
  expect(view.isKnown).toBe(false);
  expect(() => view.state).toThrow('has not been read yet');
  expect(await view.refresh(SYSCTLS)).toEqual({ before: undefined });
  expect(view.isKnown).toBe(true);
});

test('a reading that was begun is taken once, the next one is made anew', async () => {
  const kernel = kernelWithDevice();
  const view = new KernelView(kernel, new FakeClock());
  await view.prefetch(SYSCTLS);
  await view.refresh(SYSCTLS);
  expect(kernel.reads).toBe(1);
  await view.refresh(SYSCTLS);
  expect(kernel.reads).toBe(2);
});

test('one that has waited for ten seconds is made again', async () => {
  const kernel = kernelWithDevice();
  const clock = new FakeClock();
  const view = new KernelView(kernel, clock);
  await view.prefetch(SYSCTLS);
  await clock.advance(9_999);
  await view.refresh(SYSCTLS);
  expect(kernel.reads).toBe(1);
  await view.prefetch(SYSCTLS);
  await clock.advance(10_000);
  kernel.state.addresses.add('10.96.0.9');
  await view.refresh(SYSCTLS);
  expect(kernel.reads).toBe(3);
  expect([...view.state.addresses]).toEqual(['10.96.0.9']);
});

test('what is written after a reading was begun is in what it gives', async () => {
  const kernel = kernelWithDevice();
  const view = new KernelView(kernel, new FakeClock());
  await view.refresh(SYSCTLS);
  await view.prefetch(SYSCTLS);
  await written(kernel, view, bind('10.96.0.1'));
  expect([...view.state.addresses]).toEqual(['10.96.0.1']);
  await view.refresh(SYSCTLS);
  expect([...view.state.addresses]).toEqual(['10.96.0.1']);
});

test('a view is a copy: what happens to the kernel behind our back is seen by reading alone', async () => {
  const kernel = kernelWithDevice();
  const view = new KernelView(kernel, new FakeClock());
  await view.refresh(SYSCTLS);
  await written(kernel, view, bind('10.96.0.1'));
  kernel.state.addresses.delete('10.96.0.1');
  expect([...view.state.addresses]).toEqual(['10.96.0.1']);
  await view.refresh(SYSCTLS);
  expect([...view.state.addresses]).toEqual([]);
});

test('a reading that fails leaves what is known and names all of it as unread; the first one throws', async () => {
  const kernel = kernelWithDevice();
  const view = new KernelView(kernel, new FakeClock());
  kernel.readError = new Error('no fork');
  await expect(view.refresh(SYSCTLS)).rejects.toThrow('no fork');
  kernel.readError = undefined;
  await view.refresh(SYSCTLS);
  await written(kernel, view, bind('10.96.0.1'));
  kernel.readError = new Error('no fork');
  await view.prefetch(SYSCTLS);
  expect(await view.refresh(SYSCTLS)).toBeUndefined();
  expect([...view.state.addresses]).toEqual(['10.96.0.1']);
  expect(view.unread.get(ADDRESSES_PART)?.message).toBe('no fork');
  expect(view.unread.get(rulesPart('IPv6', 'filter'))?.message).toBe('no fork');
  kernel.readError = undefined;
  await view.refresh(SYSCTLS);
  expect(view.unread.size).toBe(0);
});

test('a part that cannot be read stays as it was, changes that we make to it included', async () => {
  const kernel = kernelWithDevice();
  const view = new KernelView(kernel, new FakeClock());
  await view.refresh(SYSCTLS);
  await written(kernel, view, bind('10.96.0.1'));
  kernel.unreadable.set(ADDRESSES_PART, new Error('EINTR'));
  kernel.state.sysctls.set(SYSCTLS[0]!, '1');
  const known = view.state;
  expect((await view.refresh(SYSCTLS))?.before).toBe(known);
  expect([...view.state.addresses]).toEqual(['10.96.0.1']);
  expect(view.state.sysctls.get(SYSCTLS[0]!)).toBe('1');
  expect([...view.unread.keys()]).toEqual([ADDRESSES_PART]);
  await written(kernel, view, bind('10.96.0.2'));
  expect([...view.state.addresses]).toEqual(['10.96.0.1', '10.96.0.2']);
});

test('how much there is is known without counting, whoever changes it', async () => {
  const kernel = kernelWithDevice();
  const view = new KernelView(kernel, new FakeClock());
  expect(view.tally.addresses).toEqual({ IPv4: 0, IPv6: 0 });
  kernel.state.addresses.add('10.96.0.9');
  await view.refresh(SYSCTLS);
  await written(kernel, view, bind('10.96.0.1'), bind('fd00::1'));
  expect(view.tally.addresses).toEqual({ IPv4: 2, IPv6: 1 });
  kernel.state.addresses.delete('10.96.0.9');
  kernel.state.addresses.add('fd00::2');
  await view.refreshDummy();
  expect(view.tally.addresses).toEqual({ IPv4: 1, IPv6: 2 });
  kernel.state.hasDummyDevice = false;
  kernel.state.addresses.clear();
  await view.refreshDummy();
  expect(view.tally.addresses).toEqual({ IPv4: 0, IPv6: 0 });
});

test('a reading tells how long it took, without the time that it lay about', async () => {
  const kernel = kernelWithDevice();
  const clock = new FakeClock();
  const view = new KernelView(kernel, clock);
  const read = kernel.read.bind(kernel);
  kernel.read = async (sysctls) => {
    await clock.sleep(70);
    return read(sysctls);
  };
  const begun = view.prefetch(SYSCTLS);
  await clock.advance(70);
  await begun;
  await clock.advance(5_000);
  await view.refresh(SYSCTLS);
  expect(view.readingMs).toBe(70);
  const made = view.refresh(SYSCTLS);
  await clock.advance(70);
  await made;
  expect(view.readingMs).toBe(70);
});

test('a reading becomes the view as it is, without a copy of what is large', async () => {
  const kernel = kernelWithDevice();
  kernel.state.addresses.add('10.96.0.1');
  const reading = await kernel.read(SYSCTLS);
  kernel.read = async () => reading;
  const view = new KernelView(kernel, new FakeClock());
  await view.refresh(SYSCTLS);
  expect(view.state.virtualServers).toBe(reading.virtualServers);
  expect(view.state.addresses).toBe(reading.addresses);
  expect(view.state.ipsets).toBe(reading.ipsets);
});
