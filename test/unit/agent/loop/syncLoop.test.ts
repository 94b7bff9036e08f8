import { afterEach, expect, test } from '@jest/globals';
import { serverKey } from '../../../../src/dataplane/state.ts';
import { FakeKernel } from '../../../support/kernel/fakeKernel.ts';
import { LoopHarness } from '../../../support/program/loopHarness.ts';
import { WEB, destinations, endpoints, startWebLoop } from '../../../support/program/webLoop.ts';
import { rawService, rawSlice } from '../../../support/objects/rawObjects.ts';

let harness: LoopHarness;
afterEach(() => harness.stop());

async function started(...given: Parameters<typeof startWebLoop>) {
  const web = await startWebLoop(...given);
  ({ harness } = web);
  return web;
}

test('the first round reads the kernel and programs everything', async () => {
  const { kernel, first } = await started();
  expect(first.isFull).toBe(true);
  expect(kernel.reads).toBe(1);
  expect(destinations(kernel)).toEqual(['10.244.1.5 1', '10.244.1.6 1']);
  expect(kernel.state.addresses).toContain('10.96.0.10');
});

test('a second process that finds everything in place writes nothing', async () => {
  const { kernel } = await started();
  await harness.stop();
  const { first } = await started({}, new FakeKernel(kernel.state));
  expect(first.planned).toEqual([]);
  expect(first.report.kernelWrites).toBe(0);
});

test('a changed endpoint costs its own operations and no reading', async () => {
  const { kernel } = await started();
  harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.7')));
  const { isFull, planned } = await harness.round();
  expect(isFull).toBe(false);
  expect(kernel.reads).toBe(1);
  expect(planned.map(({ op }) => op).toSorted()).toEqual(['addDestination', 'drainDestination']);
});

test('several changes at once are one round', async () => {
  const { kernel } = await started();
  harness.slice(rawSlice(endpoints('10.244.1.5')));
  harness.slice(rawSlice(endpoints('10.244.1.8')));
  harness.service(rawService({ clusterIPs: ['10.96.0.11'] }));
  await harness.round();
  expect([...kernel.state.virtualServers.keys()]).toEqual(['10.96.0.11:80/TCP']);
  expect([...kernel.state.addresses]).toEqual(['10.96.0.11']);
});

test('a failed operation is retried by itself until it succeeds, the rest is applied at once', async () => {
  const { kernel } = await started();
  let failures = 0;
  kernel.failureRule = (operation) =>
    operation.op === 'bindAddress' && operation.address === '10.96.0.20' && failures++ < 3
      ? new Error('no luck')
      : undefined;
  harness.service(rawService({ clusterIPs: ['10.96.0.20'] }));
  const { report, newlyFailed } = await harness.round();
  expect(report.failed).toHaveLength(1);
  expect(newlyFailed).toHaveLength(1);
  expect(kernel.state.virtualServers.has('10.96.0.20:80/TCP')).toBe(true);
  const last = await harness.roundWhere((outcome) => outcome.report.failed.length === 0);
  expect(last.planned).toEqual([{ op: 'bindAddress', address: '10.96.0.20' }]);
  expect(kernel.state.addresses).toContain('10.96.0.20');
  expect(harness.retries.size).toBe(0);
});

test('a failure that is news once is not news at the next try', async () => {
  const { kernel } = await started();
  kernel.failureRule = ({ op }) => (op === 'bindAddress' ? new Error('never') : undefined);
  harness.service(rawService({ clusterIPs: ['10.96.0.20'] }));
  await harness.round();
  const second = await harness.round();
  expect(second.report.failed).toHaveLength(1);
  expect(second.newlyFailed).toEqual([]);
});

test('what failed and is no longer wanted is forgotten', async () => {
  const { kernel } = await started();
  kernel.failureRule = (operation) =>
    operation.op === 'bindAddress' && operation.address === '10.96.0.20'
      ? new Error('never')
      : undefined;
  harness.service(rawService({ clusterIPs: ['10.96.0.20'] }));
  await harness.round();
  harness.service(rawService());
  await harness.roundWhere(() => harness.retries.size === 0);
  expect(kernel.state.virtualServers.has('10.96.0.20:80/TCP')).toBe(false);
});

test('an audit puts back what somebody removed, and removes nothing of others', async () => {
  const { kernel } = await started({ syncPeriodMs: 5 });
  const foreign = { ...kernel.state.virtualServers.get(WEB)!, address: '203.0.113.9' };
  kernel.state.virtualServers.set(serverKey(foreign), foreign);
  kernel.state.virtualServers.get(WEB)!.destinations.clear();
  kernel.state.addresses.delete('10.96.0.10');
  await harness.roundWhere((outcome) => outcome.report.done.length > 0);
  expect(destinations(kernel)).toEqual(['10.244.1.5 1', '10.244.1.6 1']);
  expect(kernel.state.addresses).toContain('10.96.0.10');
  expect(kernel.state.virtualServers.has(serverKey(foreign))).toBe(true);
});

test('a change does not wait for an audit, and the audit does not undo it', async () => {
  const { kernel } = await started({ syncPeriodMs: 5 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const read = kernel.read.bind(kernel);
  const begun = Promise.withResolvers<void>();
  kernel.read = async (sysctls) => {
    const before = await read(sysctls);
    begun.resolve();
    await promise;
    return before;
  };
  await begun.promise;
  harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.9')));
  const changed = await harness.round();
  expect(changed.isFull).toBe(false);
  expect(destinations(kernel)).toEqual(['10.244.1.5 1', '10.244.1.9 1']);
  resolve();
  const audit = await harness.roundWhere(({ isFull }) => isFull);
  expect(audit.planned).toEqual([]);
});

test('a kernel that cannot be read is read again, and nothing is lost meanwhile', async () => {
  const kernel = new FakeKernel();
  kernel.readError = new Error('no ip_vs');
  harness = await LoopHarness.create(kernel);
  harness.service(rawService());
  harness.start();
  while (harness.errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
  kernel.readError = undefined;
  const { isFull } = await harness.round();
  expect(isFull).toBe(true);
  expect(kernel.state.addresses).toContain('10.96.0.10');
});

test('a destination with connections drains and is removed when they have ended', async () => {
  const { kernel } = await started();
  kernel.setConnections(WEB, '10.244.1.6:8080', 1);
  harness.slice(rawSlice(endpoints('10.244.1.5')));
  await harness.round();
  expect(destinations(kernel)).toEqual(['10.244.1.5 1', '10.244.1.6 0']);
  kernel.setConnections(WEB, '10.244.1.6:8080', 0);
  await harness.roundWhere(({ planned }) => planned.some(({ op }) => op === 'removeDestination'));
  expect(destinations(kernel)).toEqual(['10.244.1.5 1']);
});

test('a draining destination that returns gets its weight back in place', async () => {
  const { kernel } = await started({ drainLookMs: 60_000 });
  kernel.setConnections(WEB, '10.244.1.6:8080', 1);
  harness.slice(rawSlice(endpoints('10.244.1.5')));
  await harness.round();
  harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.6')));
  const { planned } = await harness.round();
  expect(planned.map(({ op }) => op)).toEqual(['updateDestination']);
  expect(destinations(kernel)).toEqual(['10.244.1.5 1', '10.244.1.6 1']);
  expect(harness.drain.size).toBe(0);
});

test('a NodePort server is in the ledger until it is removed', async () => {
  await started();
  const ports = [{ name: 'http', port: 80, nodePort: 30080 }];
  harness.service(rawService({ type: 'NodePort', ports }));
  await harness.round();
  expect(harness.ledger.has('192.168.0.1:30080/TCP')).toBe(true);
  expect(harness.ledger.has(WEB)).toBe(false);
  harness.removeService('default/web');
  await harness.round();
  expect(harness.ledger.has('192.168.0.1:30080/TCP')).toBe(false);
});

test("somebody else's server on a port that is a NodePort stays, wherever it is", async () => {
  const { kernel } = await started({ syncPeriodMs: 5 });
  const ports = [{ name: 'http', port: 80, nodePort: 30080 }];
  harness.service(rawService({ type: 'NodePort', ports }));
  await harness.round();
  const nodePort = kernel.state.virtualServers.get('192.168.0.1:30080/TCP')!;
  for (const address of ['203.0.113.9', '192.168.0.77']) {
    const foreign = { ...nodePort, address };
    kernel.state.virtualServers.set(serverKey(foreign), foreign);
  }
  const reads = kernel.reads;
  await harness.roundWhere(() => kernel.reads > reads + 1);
  expect([...kernel.state.virtualServers.keys()]).toEqual(
    expect.arrayContaining(['203.0.113.9:30080/TCP', '192.168.0.77:30080/TCP']),
  );
});

test('NodePorts that an earlier proxy left go with their Services, at the start and later', async () => {
  const ports = [{ name: 'http', port: 80, nodePort: 30080 }];
  const first = await started();
  harness.service(rawService({ type: 'NodePort', ports }));
  await harness.round();
  await harness.stop();
  const left = first.kernel.state;
  const adopted = new FakeKernel(left);
  harness = await LoopHarness.create(adopted);
  harness.service(rawService({ type: 'NodePort', ports }));
  harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.6')));
  harness.start();
  expect((await harness.round()).planned).toEqual([]);
  harness.removeService('default/web');
  await harness.round();
  expect([...adopted.state.virtualServers.keys()]).toEqual([]);
  await harness.stop();
  const stale = new FakeKernel(left);
  harness = await LoopHarness.create(stale);
  harness.start();
  await harness.round();
  expect([...stale.state.virtualServers.keys()]).toEqual([]);
});

test('a server whose removal failed stays ours and is removed later', async () => {
  const { kernel } = await started();
  let failures = 0;
  kernel.failureRule = ({ op }) =>
    op === 'removeServer' && failures++ === 0 ? new Error('busy') : undefined;
  harness.removeService('default/web');
  await harness.round();
  expect(kernel.state.virtualServers.has(WEB)).toBe(true);
  await harness.roundWhere(({ planned }) => planned.some(({ op }) => op === 'removeServer'));
  expect(kernel.state.virtualServers.has(WEB)).toBe(false);
});
