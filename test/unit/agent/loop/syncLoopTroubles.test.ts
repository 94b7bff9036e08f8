/** The loop where something does not work: what it needs to know, to write, or to keep. */
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  ADDRESSES_PART,
  SERVERS_PART,
  rulesPart,
  setPart,
  sysctlPart,
} from '../../../../src/dataplane/part.ts';
import { DesiredBuilder } from '../../../../src/desired/builder.ts';
import { replay } from '../../../../src/model/clusterStore.ts';
import { type Operation, operationSubject } from '../../../../src/dataplane/operations.ts';
import { FakeKernel } from '../../../support/kernel/fakeKernel.ts';
import { LoopHarness } from '../../../support/program/loopHarness.ts';
import { WEB, destinations, endpoints, startWebLoop } from '../../../support/program/webLoop.ts';
import { dataplaneOptions, hostNetwork } from '../../../support/objects/nodeFixtures.ts';
import { rawService, rawSlice } from '../../../support/objects/rawObjects.ts';

let harness: LoopHarness;
afterEach(() => harness.stop());

async function started(...given: Parameters<typeof startWebLoop>) {
  const web = await startWebLoop(...given);
  ({ harness } = web);
  return web;
}

/**
 * Turns of the event loop, as many as the loop may take to come to rest; nothing here waits for a
 * time.
 */
const untilTrue = async (isIt: () => boolean) => {
  while (!isIt()) await new Promise((resolve) => setImmediate(resolve));
};

const nat = (kernel: FakeKernel) => kernel.state.iptables.IPv4.nat;

describe('what cannot be read', () => {
  test('an audit that fails leaves the view, and changes are programmed meanwhile', async () => {
    const { kernel } = await started({ syncPeriodMs: 5 });
    kernel.readError = new Error('fork: Resource temporarily unavailable');
    await untilTrue(() => harness.readings.some((unread) => unread.size > 0));
    harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.9')));
    const { isFull, planned } = await harness.round();
    expect(isFull).toBe(false);
    expect(planned).toHaveLength(2);
    expect(destinations(kernel)).toEqual(['10.244.1.5 1', '10.244.1.9 1']);
    expect(harness.errors).toEqual([]);
    kernel.state.addresses.delete('10.96.0.10');
    kernel.readError = undefined;
    await harness.roundWhere((outcome) => outcome.isFull && outcome.planned.length > 0);
    expect(kernel.state.addresses).toContain('10.96.0.10');
  });

  test.each([
    SERVERS_PART,
    ADDRESSES_PART,
    setPart('KUBE-CLUSTER-IP'),
    rulesPart('IPv4', 'nat'),
    sysctlPart('net/ipv4/vs/conntrack'),
  ] as const)(
    '%s unknown at an audit: neither written nor removed, all else repaired',
    async (part) => {
      const { kernel } = await started({ syncPeriodMs: 5 });
      kernel.unreadable.set(part, new Error('no answer'));
      await untilTrue(() => harness.readings.some((unread) => unread.has(part)));
      const before = kernel.asked.length;
      kernel.state.ipsets.get('KUBE-IPVS-IPS')!.entries.clear();
      await untilTrue(() => kernel.state.ipsets.get('KUBE-IPVS-IPS')!.entries.size > 0);
      const written = kernel.asked.slice(before).map((operation) => operationSubject(operation));
      expect([...new Set(written)]).toEqual(['entry KUBE-IPVS-IPS 10.96.0.10']);
    },
  );

  test('rules that cannot be read at the start wait alone, and come when they can be', async () => {
    const kernel = new FakeKernel();
    for (const part of [rulesPart('IPv4', 'nat'), rulesPart('IPv4', 'filter')] as const)
      kernel.unreadable.set(part, new Error('no lock'));
    const { first } = await started({}, kernel);
    expect(first.report.failed.filter(({ operation }) => operation.op === 'writeRules')).toEqual(
      [],
    );
    expect(nat(kernel).size).toBe(0);
    expect(kernel.state.iptables.IPv6.nat.size).toBeGreaterThan(0);
    expect(destinations(kernel)).toEqual(['10.244.1.5 1', '10.244.1.6 1']);
    kernel.unreadable.clear();
    await harness.roundWhere(({ isFull }) => isFull);
    expect(nat(kernel).size).toBeGreaterThan(0);
  });

  test('what is served stays where the servers cannot be read at a restart, and is compared later', async () => {
    const { kernel } = await started();
    await harness.stop();
    const next = new FakeKernel(kernel.state);
    next.unreadable.set(SERVERS_PART, new Error('EAGAIN'));
    harness = await LoopHarness.create(next);
    harness.service(rawService({ clusterIPs: ['10.96.0.11'] }));
    harness.start();
    await harness.round();
    expect([...next.state.virtualServers.keys()]).toEqual([WEB]);
    next.unreadable.clear();
    await harness.roundWhere(({ planned }) => planned.some(({ op }) => op === 'addServer'));
    expect(next.state.virtualServers.has('10.96.0.11:80/TCP')).toBe(true);
  });

  test('a Service that is deleted, and its address taken away, before addresses could be read goes with its server', async () => {
    const { kernel } = await started();
    await harness.stop();
    const next = new FakeKernel(kernel.state);
    next.unreadable.set(ADDRESSES_PART, new Error('EPERM'));
    harness = await LoopHarness.create(next);
    harness.start();
    await harness.round();
    next.state.addresses.delete('10.96.0.10');
    next.unreadable.clear();
    await harness.roundWhere(({ planned }) => planned.some(({ op }) => op === 'removeServer'));
    expect(next.state.virtualServers.size).toBe(0);
    expect(next.state.ipsets.get('KUBE-CLUSTER-IP')!.entries.size).toBe(0);
  });

  test('a Service that is deleted before the servers could be read goes with its server when they can', async () => {
    const { kernel } = await started();
    await harness.stop();
    const next = new FakeKernel(kernel.state);
    next.unreadable.set(SERVERS_PART, new Error('ENOBUFS'));
    harness = await LoopHarness.create(next);
    harness.start();
    await harness.round();
    // By them it is known to be ours.
    expect(next.state.addresses).toContain('10.96.0.10');
    next.unreadable.clear();
    await harness.roundWhere(({ planned }) => planned.some(({ op }) => op === 'removeServer'));
    expect(next.state.virtualServers.size).toBe(0);
    expect(next.state.addresses.size).toBe(0);
  });

  test('each reading is told, so that the end of the trouble is too', async () => {
    const { kernel } = await started({ syncPeriodMs: 5 });
    kernel.unreadable.set(ADDRESSES_PART, new Error('no answer'));
    await untilTrue(() => harness.readings.at(-1)!.size > 0);
    kernel.unreadable.clear();
    await untilTrue(() => harness.readings.at(-1)!.size === 0);
  });

  test('connections that cannot be counted hold up no change', async () => {
    const { kernel } = await started();
    kernel.setConnections(WEB, '10.244.1.6:8080', 1);
    harness.slice(rawSlice(endpoints('10.244.1.5')));
    await harness.round();
    kernel.connections = () => Promise.reject(new Error('EAGAIN'));
    await untilTrue(() => harness.chores.some(([, error]) => error?.message === 'EAGAIN'));
    harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.7')));
    const { planned } = await harness.round();
    expect(planned.map(({ op }) => op)).toEqual(['addDestination']);
    expect(harness.errors).toEqual([]);
    expect(harness.drain.size).toBe(1);
  });
});

test('a failing rule is tried again without the kernel being read, and nothing waits for it', async () => {
  const kernel = new FakeKernel();
  kernel.failureRule = (operation) =>
    operation.op === 'writeRules' && operation.family === 'IPv6' ? new Error('locked') : undefined;
  await started({}, kernel);
  const retry = await harness.round();
  expect(retry.isFull).toBe(false);
  expect(retry.planned.map(({ op }) => op)).toEqual(['writeRules', 'writeRules']);
  expect(kernel.reads).toBe(1);
  kernel.failureRule = undefined;
  await harness.roundWhere(({ report }) => report.failed.length === 0);
  expect(harness.retries.size).toBe(0);
});

test('a set that could not be made is tried again with its entries', async () => {
  const kernel = new FakeKernel();
  let failures = 0;
  kernel.failureRule = (operation) =>
    operation.op === 'createSet' && operation.set.name === 'KUBE-LOAD-BALANCER' && failures++ < 2
      ? new Error('no memory')
      : undefined;
  await started({}, kernel);
  await harness.roundWhere(({ report }) => report.failed.length === 0);
  expect(kernel.state.ipsets.has('KUBE-LOAD-BALANCER')).toBe(true);
  expect(harness.retries.size).toBe(0);
});

test('a new source that comes in the middle of a round removes nothing', async () => {
  const { kernel } = await started();
  await harness.stop();
  const next = new FakeKernel(kernel.state);
  const { promise, resolve } = Promise.withResolvers<void>();
  const read = next.read.bind(next);
  next.read = async (sysctls) => {
    await promise;
    return read(sysctls);
  };
  harness = await LoopHarness.create(next);
  harness.service(rawService());
  harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.6')));
  harness.start();
  await untilTrue(() => next.reads === 0);
  await new Promise((turn) => setImmediate(turn));
  const second = new DesiredBuilder(harness.store, dataplaneOptions(), hostNetwork());
  for (const change of replay(harness.store)) second.change(change);
  harness.loop.resync(second);
  resolve();
  expect((await harness.round()).planned).toEqual([]);
  expect((await harness.round()).planned).toEqual([]);
  expect(next.asked).toEqual([]);
});

describe('the ledger', () => {
  const ports = [{ name: 'http', port: 80, nodePort: 30080 }];

  test('that cannot be written fails no round, is told, and is written when it can be', async () => {
    const { kernel } = await started();
    const save = harness.ledger.save.bind(harness.ledger);
    harness.ledger.save = () => Promise.reject(new Error('EROFS'));
    harness.service(rawService({ type: 'NodePort', ports }));
    const { report } = await harness.round();
    expect(report.failed).toEqual([]);
    expect(kernel.state.virtualServers.has('192.168.0.1:30080/TCP')).toBe(true);
    await untilTrue(() => harness.chores.some(([chore, error]) => chore === 'ledger' && !!error));
    expect(harness.errors).toEqual([]);
    expect(harness.ledger.isDirty).toBe(true);
    harness.ledger.save = save;
    harness.now += 60_000;
    harness.service(rawService({ type: 'NodePort', ports, clusterIPs: ['10.96.0.12'] }));
    await untilTrue(() => !harness.ledger.isDirty);
    await untilTrue(() => harness.chores.at(-1)![1] === undefined);
  });
});

describe('masquerading comes before the address', () => {
  const lock = (operation: Operation) =>
    operation.op === 'writeRules' && operation.family === 'IPv4' ? new Error('locked') : undefined;

  test('rules that cannot be written hold back what is new, also in later rounds, until they are', async () => {
    const kernel = new FakeKernel();
    kernel.failureRule = lock;
    await started({ retryMs: 1 }, kernel);
    expect([...kernel.state.addresses]).toEqual([]);
    expect(destinations(kernel)).toHaveLength(2);
    harness.service(rawService({ clusterIPs: ['10.96.0.11'] }));
    await harness.round();
    expect([...kernel.state.addresses]).toEqual([]);
    kernel.failureRule = undefined;
    await harness.roundWhere(() => harness.retries.size === 0);
    expect([...kernel.state.addresses]).toEqual(['10.96.0.11']);
  });

  test('what is served stays, and goes on being changed', async () => {
    const { kernel } = await started();
    await harness.stop();
    const next = new FakeKernel(kernel.state);
    next.state.iptables.IPv4.nat.delete('KUBE-POSTROUTING');
    next.failureRule = lock;
    harness = await LoopHarness.create(next);
    harness.service(rawService());
    harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.9')));
    harness.start();
    await harness.round();
    expect([...next.state.addresses]).toEqual(['10.96.0.10']);
    expect(destinations(next)).toEqual(['10.244.1.5 1', '10.244.1.9 1']);
  });

  test('an entry that fails holds back its own address and no other', async () => {
    const { kernel } = await started();
    let isFull = true;
    kernel.failureRule = (operation) =>
      isFull && operation.op === 'addEntry' && operation.entry === '10.96.0.20,tcp:80'
        ? new Error('Hash is full')
        : undefined;
    harness.service(rawService({ clusterIPs: ['10.96.0.20'] }));
    await harness.round();
    expect(kernel.state.addresses).not.toContain('10.96.0.20');
    isFull = false;
    await harness.roundWhere(() => harness.retries.size === 0);
    expect([...kernel.state.addresses]).toEqual(['10.96.0.20']);
  });

  test('a NodePort waits too: its address is local already', async () => {
    const kernel = new FakeKernel();
    kernel.failureRule = lock;
    harness = await LoopHarness.create(kernel);
    const ports = [{ name: 'http', port: 80, nodePort: 30080 }];
    harness.service(rawService({ type: 'NodePort', ports }));
    harness.slice(rawSlice(endpoints('10.244.1.5')));
    harness.start();
    await harness.round();
    expect([...kernel.state.virtualServers.keys()]).toEqual([WEB]);
    kernel.failureRule = undefined;
    await harness.roundWhere(() => harness.retries.size === 0);
    expect(kernel.state.virtualServers.get('192.168.0.1:30080/TCP')?.destinations.size).toBe(1);
  });
});

test('a round that is given up is tried again at once, then ever more rarely', async () => {
  const kernel = new FakeKernel();
  kernel.readError = new Error('no ip_vs');
  harness = await LoopHarness.create(kernel);
  harness.start();
  for (let given = 1; given <= 7; given++) {
    while (harness.errors.length < given) await new Promise((resolve) => setImmediate(resolve));
    if (given === 7) kernel.readError = undefined;
    harness.now += harness.retriesInMs.at(-1)!;
    harness.loop.changed();
  }
  expect(harness.retriesInMs).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  expect((await harness.round()).isFull).toBe(true);
});
