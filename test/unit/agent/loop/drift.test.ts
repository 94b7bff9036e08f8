/** What somebody else changes is put right and counted by kind, apart from ordinary changes. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { DriftCounts } from '../../../../src/dataplane/driftKinds.ts';
import { DRIFT_KINDS } from '../../../../src/dataplane/driftKinds.ts';
import { destinationKey } from '../../../../src/dataplane/state.ts';
import type { MutableState } from '../../../../src/plan/applied.ts';
import { FakeKernel } from '../../../support/kernel/fakeKernel.ts';
import { LoopHarness } from '../../../support/program/loopHarness.ts';
import { endpoints, startWebLoop, WEB } from '../../../support/program/webLoop.ts';
import { rawService, rawSlice } from '../../../support/objects/rawObjects.ts';

let harness: LoopHarness;
afterEach(() => harness.stop());

const PERIOD_MS = 60_000;
const SET = 'KUBE-CLUSTER-IP';
const SYSCTL = 'net/ipv4/vs/conntrack';
const DESTINATION = destinationKey({ address: '10.244.1.5', port: 8080 });

async function started(kernel = new FakeKernel(), turnMs?: number): Promise<MutableState> {
  ({ harness } = await startWebLoop({ syncPeriodMs: PERIOD_MS, turnMs }, kernel));
  return kernel.state;
}

/** Brings on the audit, and what else a test does in the same turn. */
async function audit(): Promise<Record<string, number>> {
  harness.now += PERIOD_MS;
  harness.loop.changed();
  const { repaired } = await harness.roundWhere(({ isFull }) => isFull);
  return asObject(repaired);
}

const asObject = (counts: DriftCounts) => Object.fromEntries(counts);

type Tampering = (kernel: MutableState) => void;

const server = (kernel: MutableState) => kernel.virtualServers.get(WEB)!;
const nat = (kernel: MutableState) => kernel.iptables.IPv4.nat;

const TAMPERINGS: readonly (readonly [string, Tampering, Record<string, number>])[] = [
  ['an address is taken away', (k) => k.addresses.delete('10.96.0.10'), { address: 1 }],
  ['an address is added', (k) => k.addresses.add('10.96.9.9'), { address: 1 }],
  [
    'the device is deleted',
    (k) => {
      k.hasDummyDevice = false;
      k.addresses.clear();
    },
    { device: 1 },
  ],
  ['a server is deleted', (k) => k.virtualServers.delete(WEB), { server: 1 }],
  [
    'a server is added on an address of ours',
    (k) =>
      k.virtualServers.set('10.96.0.10:81/TCP', {
        ...server(k),
        port: 81,
        destinations: new Map(),
      }),
    { server: 1 },
  ],
  [
    'a scheduler is changed',
    (k) => k.virtualServers.set(WEB, { ...server(k), scheduler: 'wlc' }),
    { scheduler: 1 },
  ],
  [
    'a server is made persistent',
    (k) =>
      k.virtualServers.set(WEB, {
        ...server(k),
        flags: ['persistent'],
        persistenceTimeoutSec: 60,
      }),
    { server: 1 },
  ],
  [
    'a destination is deleted',
    (k) => server(k).destinations.delete(DESTINATION),
    { destination: 1 },
  ],
  [
    'a destination is added',
    (k) => server(k).destinations.set('10.9.9.9:1', { address: '10.9.9.9', port: 1, weight: 1 }),
    { destination: 1 },
  ],
  [
    'a weight is changed',
    (k) =>
      server(k).destinations.set(DESTINATION, { address: '10.244.1.5', port: 8080, weight: 0 }),
    { weight: 1 },
  ],
  ['a set is destroyed', (k) => k.ipsets.delete(SET), { set: 1 }],
  [
    'a set is of another type',
    (k) => k.ipsets.set(SET, { ...k.ipsets.get(SET)!, type: 'hash:ip', entries: new Set() }),
    { set: 1 },
  ],
  [
    'an entry is deleted',
    (k) => k.ipsets.get(SET)!.entries.delete('10.96.0.10,tcp:80'),
    { entry: 1 },
  ],
  ['an entry is added', (k) => k.ipsets.get(SET)!.entries.add('1.2.3.4,tcp:1'), { entry: 1 }],
  ['a chain is flushed', (k) => nat(k).set('KUBE-POSTROUTING', []), { chain: 1 }],
  ['a chain is deleted', (k) => nat(k).delete('KUBE-MARK-MASQ'), { chain: 1 }],
  ['jumps are deleted', (k) => nat(k).delete('PREROUTING'), { jump: 1 }],
  [
    'a jump stands twice',
    (k) => nat(k).set('OUTPUT', [...nat(k).get('OUTPUT')!, ...nat(k).get('OUTPUT')!]),
    { jump: 1 },
  ],
  ['a table is flushed', (k) => nat(k).clear(), { chain: 5, jump: 3 }],
  ['a sysctl is set', (k) => k.sysctls.set(SYSCTL, '0'), { sysctl: 1 }],
];

describe.each([
  ['at once', undefined],
  ['in turns', 0],
])('compared %s:', (_, turnMs) => {
  test.each(TAMPERINGS)('%s', async (__, tamper, expected) => {
    const kernel = await started(new FakeKernel(), turnMs);
    tamper(kernel);
    expect(await audit()).toEqual(expected);
    expect(await audit()).toEqual({});
  });
});

test('there is a tampering of each kind', () => {
  const kinds = TAMPERINGS.flatMap(([, , expected]) => Object.keys(expected));
  expect(new Set(kinds)).toEqual(new Set(DRIFT_KINDS));
});

describe('is no drift:', () => {
  test('what a start finds', async () => {
    const other = new FakeKernel();
    other.state.addresses.add('10.96.9.9');
    ({ harness } = await LoopHarness.create(other).then((made) => ({ harness: made })));
    harness.start();
    expect(asObject((await harness.round()).repaired)).toEqual({});
  });

  test('what the cluster changes at the time of an audit', async () => {
    const kernel = await started();
    harness.now += PERIOD_MS;
    harness.service(rawService({ clusterIPs: ['10.96.0.11'], sessionAffinity: 'ClientIP' }));
    harness.slice(rawSlice(endpoints('10.244.1.6', '10.244.1.7')));
    kernel.sysctls.set(SYSCTL, '0');
    expect(await audit()).toEqual({ sysctl: 1 });
  });

  test('what this process did while the audit read', async () => {
    const kernel = new FakeKernel();
    await started(kernel);
    const reading = Promise.withResolvers<void>();
    const read = kernel.read.bind(kernel);
    kernel.read = async (sysctls) => {
      const state = await read(sysctls);
      await reading.promise;
      return state;
    };
    harness.now += PERIOD_MS;
    harness.slice(rawSlice(endpoints('10.244.1.5', '10.244.1.6', '10.244.1.7')));
    await harness.round();
    harness.removeService('default/web');
    await harness.round();
    reading.resolve();
    const { repaired } = await harness.roundWhere(({ isFull }) => isFull);
    expect(asObject(repaired)).toEqual({});
  });

  test('the end of a drain in the round of an audit', async () => {
    const kernel = new FakeKernel();
    const options = { syncPeriodMs: PERIOD_MS, drainLookMs: 2 * PERIOD_MS };
    ({ harness } = await startWebLoop(options, kernel));
    kernel.setConnections(WEB, '10.244.1.6:8080', 1);
    harness.slice(rawSlice(endpoints('10.244.1.5')));
    await harness.round();
    kernel.setConnections(WEB, '10.244.1.6:8080', 0);
    const [begun, reading] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const read = kernel.read.bind(kernel);
    kernel.read = async (sysctls) => {
      begun.resolve();
      await reading.promise;
      return read(sysctls);
    };
    harness.now += PERIOD_MS;
    harness.loop.changed();
    await begun.promise;
    // The round that has begun the audit ends, and the loop sleeps.
    await new Promise((resolve) => setImmediate(resolve));
    // Due while the kernel is read, and the loop is woken by the reading.
    harness.now += 4 * PERIOD_MS;
    reading.resolve();
    const { planned, repaired } = await harness.roundWhere(({ isFull }) => isFull);
    expect(planned.map(({ op }) => op)).toEqual(['removeDestination']);
    expect(asObject(repaired)).toEqual({});
  });
});

test('what cannot be put right at once counts when it is', async () => {
  const kernel = new FakeKernel();
  const state = await started(kernel);
  let failures = 0;
  kernel.failureRule = ({ op }) =>
    op === 'setSysctl' && failures++ < 2 ? new Error('not now') : undefined;
  state.sysctls.set(SYSCTL, '0');
  expect(await audit()).toEqual({});
  const { repaired } = await harness.roundWhere(({ report }) => report.done.length > 0);
  expect(asObject(repaired)).toEqual({ sysctl: 1 });
});

test('what is not wanted any more before it could be put right counts never', async () => {
  const kernel = new FakeKernel();
  const state = await started(kernel);
  kernel.failureRule = ({ op }) => (op === 'addServer' ? new Error('no') : undefined);
  state.virtualServers.delete(WEB);
  expect(await audit()).toEqual({});
  harness.removeService('default/web');
  await audit();
  kernel.failureRule = undefined;
  harness.service(rawService());
  const { repaired } = await harness.roundWhere(({ report }) =>
    report.done.some(({ op }) => op === 'addServer'),
  );
  expect(asObject(repaired)).toEqual({});
});

describe('of what the kernel tells without an audit', () => {
  test('an address is one of its kind', async () => {
    const kernel = await started();
    kernel.addresses.delete('10.96.0.10');
    harness.loop.noticed({ addresses: new Map([['10.96.0.10', false]]), isDeviceGone: false });
    const { repaired, isFull } = await harness.round();
    expect([isFull, asObject(repaired)]).toEqual([false, { address: 1 }]);
  });

  test('what an audit has found first is not counted again when it is told', async () => {
    const kernel = await started();
    kernel.hasDummyDevice = false;
    kernel.addresses.clear();
    expect(await audit()).toEqual({ device: 1 });
    harness.loop.noticed({ addresses: new Map([['10.96.0.10', false]]), isDeviceGone: true });
    kernel.virtualServers.delete(WEB);
    harness.now += PERIOD_MS;
    const counts: Record<string, number>[] = [];
    await harness.roundWhere(({ repaired, isFull }) => {
      counts.push(asObject(repaired));
      return isFull;
    });
    expect(counts).toEqual([{ server: 1 }]);
  });

  test('the device is one, with its addresses', async () => {
    const kernel = await started();
    kernel.hasDummyDevice = false;
    kernel.addresses.clear();
    harness.loop.noticed({ addresses: new Map(), isDeviceGone: true });
    const { repaired, isFull } = await harness.round();
    expect([isFull, asObject(repaired)]).toEqual([false, { device: 1 }]);
  });
});
