import { beforeEach, expect, test } from '@jest/globals';
import type { Destination, VirtualServer } from '../../../src/dataplane/state.ts';
import { destinationKey, serverKey, emptyState } from '../../../src/dataplane/state.ts';
import { difference } from '../../../src/plan/difference.ts';
import { DrainBook } from '../../../src/plan/drain.ts';
import { formatOperation } from '../../../src/plan/format.ts';
import { exhaust } from '../../../src/plan/slices.ts';
import type { Operation } from '../../../src/dataplane/operations.ts';
import { FakeKernel } from '../../support/kernel/fakeKernel.ts';

const first: Destination = { address: '10.244.0.1', port: 8080, weight: 1 };
const second: Destination = { address: '10.244.0.2', port: 8080, weight: 1 };
const key = '10.96.0.1:80/TCP';
const removal = `- ${key} -> 10.244.0.1:8080`;

function stateWith(...destinations: Destination[]) {
  const server: VirtualServer = {
    address: '10.96.0.1',
    port: 80,
    protocol: 'TCP',
    scheduler: 'rr',
    flags: [],
    destinations: new Map(destinations.map((each) => [destinationKey(each), each])),
  };
  const virtualServers = new Map([[serverKey(server), server]]);
  return { ...emptyState(), hasDummyDevice: true, virtualServers };
}

const both = stateWith(first, second);
const reduced = stateWith(second);
const context = { isOwned: () => true, excludeCidrs: [] };

let kernel: FakeKernel;
let book: DrainBook;
/** what slices list although it is not wanted */
let listed: ReadonlySet<string>;

beforeEach(() => {
  kernel = new FakeKernel(both);
  book = new DrainBook({
    deadlineMs: 100_000,
    firstLookMs: 1_000,
    longestLookMs: 4_000,
    gridMs: 1_000,
  });
  listed = new Set();
});

async function reach(desired: ReturnType<typeof stateWith>, nowMs: number): Promise<void> {
  book.record(await kernel.apply(difference(desired, kernel.state, context)), nowMs);
}

async function look(nowMs: number, desired = reduced): Promise<readonly Operation[]> {
  const due = book.dueServers(nowMs);
  const counts = await kernel.connections(due);
  return book.check(due, counts, nowMs, { state: desired, listed: () => listed });
}

test('a destination without connections is gone at once and never booked', async () => {
  await reach(reduced, 0);
  expect(book.size).toBe(0);
  expect(book.nextCheckMs()).toBe(Infinity);
  expect(kernel.state.virtualServers.get(key)?.destinations.size).toBe(1);
});

test('a destination with connections stays until the last one ends', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 2, 1);
  await reach(reduced, 0);
  expect(book.dueServers(999)).toEqual([]);
  expect(book.dueServers(1_000)).toEqual([key]);
  expect(book.nextCheckMs()).toBe(1_000);
  expect(await look(1_000)).toEqual([]);
  kernel.setConnections(key, '10.244.0.1:8080', 0, 1);
  expect(await look(3_000)).toEqual([]);
  kernel.setConnections(key, '10.244.0.1:8080', 0, 0);
  const operations = await look(7_000);
  expect(operations.map(formatOperation)).toEqual([removal]);
  book.record(await kernel.apply(operations), 7_000);
  expect(book.size).toBe(0);
});

test('what is removed is named as the kernel holds it', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  kernel.setConnections(key, '10.244.0.1:8080', 0);
  const [operation] = await look(1_000);
  expect(operation).toEqual({
    op: 'removeDestination',
    server: expect.objectContaining({ address: '10.96.0.1', port: 80, protocol: 'TCP' }),
    destination: { ...first, weight: 0 },
  });
});

test('looks become rarer, and one falls on the deadline', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  const looks: number[] = [];
  while (book.nextCheckMs() < 100_000) {
    looks.push(book.nextCheckMs());
    expect(await look(book.nextCheckMs())).toEqual([]);
  }
  expect(looks.slice(0, 5)).toEqual([1_000, 3_000, 7_000, 11_000, 15_000]);
  expect(book.nextCheckMs()).toBe(100_000);
  expect((await look(100_000)).map(formatOperation)).toEqual([removal]);
});

test('what a slice still lists has no deadline: it begins when the endpoint leaves its slice (kubernetes issue 81308)', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  listed = new Set(['10.244.0.1:8080']);
  const removed: number[] = [];
  while (book.nextCheckMs() <= 1_000_000) {
    const nowMs = book.nextCheckMs();
    if (nowMs > 500_000) listed = new Set();
    const operations = await look(nowMs);
    if (operations.length > 0) removed.push(nowMs);
    book.record(await kernel.apply(operations), nowMs);
  }
  // the last look that found it was at 499 s
  expect(removed).toEqual([599_000]);
});

test('what a slice still lists goes as soon as it carries nothing', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  listed = new Set(['10.244.0.1:8080']);
  kernel.setConnections(key, '10.244.0.1:8080', 0);
  expect((await look(1_000)).map(formatOperation)).toEqual([removal]);
});

test('a look at one destination does not put off the next one at another of the same server', async () => {
  const none = stateWith();
  for (const each of ['10.244.0.1:8080', '10.244.0.2:8080']) kernel.setConnections(key, each, 1);
  await reach(reduced, 0);
  const looks: number[] = [];
  const lookUntil = async (endMs: number) => {
    while (book.nextCheckMs() < endMs) {
      looks.push(book.nextCheckMs());
      expect(await look(book.nextCheckMs(), none)).toEqual([]);
    }
  };
  await lookUntil(3_500);
  await reach(none, 3_000);
  await lookUntil(16_000);
  // the first at 1, 3, 7, 11, 15 s; the second, from 3 s on, at 4, 6, 10, 14
  expect(looks).toEqual([1, 3, 4, 6, 7, 10, 11, 14, 15].map((at) => at * 1_000));
});

test('many that drain from different moments on are looked at together, each as often as alone', async () => {
  const count = 1_000;
  const quarter = 15 * 60_000;
  const addresses = Array.from({ length: count }, (_, i) => `10.97.${i >> 8}.${i & 255}`);
  const servers = (destinations: readonly Destination[]) => {
    const [model] = stateWith(...destinations).virtualServers.values();
    const all = addresses.map((address) => ({ ...model!, address }));
    const virtualServers = new Map(all.map((server) => [serverKey(server), server]));
    return { ...emptyState(), hasDummyDevice: true, virtualServers };
  };
  const [before, after] = [servers([first]), servers([])];
  kernel = new FakeKernel(before);
  book = new DrainBook();
  for (const [each, server] of [...before.virtualServers.keys()].entries()) {
    kernel.setConnections(server, '10.244.0.1:8080', 1);
    const scope = { servers: new Set([server]), addresses: new Set<string>(), entries: new Map() };
    const plan = difference(after, kernel.state, { ...context, scope });
    book.record(await kernel.apply(plan), Math.floor((each * 60_000) / count));
  }
  let looks = 0;
  let dumps = 0;
  for (let nowMs = 0; nowMs < quarter; nowMs = book.nextCheckMs()) {
    const due = book.dueServers(nowMs);
    looks += due.length > 0 ? 1 : 0;
    dumps += due.length;
    const counts = await kernel.connections(due);
    const source = { state: after, listed: () => new Set<string>() };
    expect(book.check(due, counts, nowMs, source)).toEqual([]);
  }
  // at most one look in five seconds; 5, 10, 20 and 40 s, then one a minute for each
  expect(looks).toBeLessThanOrEqual(quarter / 5_000);
  expect(dumps).toBeLessThanOrEqual(count * (4 + 15));
  expect(dumps).toBeGreaterThanOrEqual(count * 15);
});

test('a removal that fails is tried again at the next look', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  kernel.failOperation(1);
  book.record(await kernel.apply(await look(100_000)), 100_000);
  expect(book.size).toBe(1);
  const nextMs = book.nextCheckMs();
  expect(nextMs).toBeGreaterThan(100_000);
  expect(await look(nextMs)).toHaveLength(1);
});

test('a destination that is wanted again leaves the book with its new weight', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  await reach(both, 10);
  expect(book.size).toBe(0);
  expect(kernel.state).toEqual(both);
});

test('a destination that is wanted again is not removed though its weight could not be given back yet', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  kernel.setConnections(key, '10.244.0.1:8080', 0);
  expect(await look(1_000, both)).toEqual([]);
  expect(book.size).toBe(0);
});

test('a destination that somebody else removed leaves the book', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  kernel.state.virtualServers.get(key)!.destinations.delete('10.244.0.1:8080');
  expect(await look(1_000)).toEqual([]);
  expect(book.size).toBe(0);
});

test('the book forgets a server that is removed whole', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  await reach({ ...reduced, virtualServers: new Map() }, 5);
  expect(book.size).toBe(0);
});

test('draining twice does not move the deadline', async () => {
  kernel.setConnections(key, '10.244.0.1:8080', 1);
  await reach(reduced, 0);
  kernel.state.virtualServers.get(key)!.destinations.set('10.244.0.1:8080', first);
  await reach(reduced, 90_000);
  expect(await look(100_000)).toHaveLength(1);
});

test('what an earlier process left draining is adopted', async () => {
  const left = stateWith({ ...first, weight: 0 }, second);
  kernel = new FakeKernel(left);
  exhaust(book.adopt(reduced, left, 0));
  expect(book.has(key, '10.244.0.1:8080')).toBe(true);
  expect((await look(1_000)).map(formatOperation)).toEqual([removal]);
  exhaust(book.adopt(both, left, 0));
  expect(book.size).toBe(1);
});

test('what drained is counted by how it ended', async () => {
  const none = { empty: 0, deadline: 0, wanted: 0, gone: 0 };
  const begin = async (nowMs: number) => {
    kernel.setConnections(key, '10.244.0.1:8080', 2, 1);
    await reach(reduced, nowMs);
  };
  await begin(500);
  expect(book.summary).toEqual({
    destinations: 1,
    connections: 3,
    oldestSinceMs: 500,
    started: 1,
    ended: none,
  });
  kernel.setConnections(key, '10.244.0.1:8080', 0, 0);
  const removals = await look(2_000);
  expect(book.summary).toMatchObject({ destinations: 1, connections: 0, ended: none });
  book.record(await kernel.apply(removals), 2_000);
  expect(book.summary.ended).toEqual({ ...none, empty: 1 });

  await reach(both, 3_000);
  await begin(4_000);
  await reach(both, 5_000);
  expect(book.summary.ended).toEqual({ ...none, empty: 1, wanted: 1 });

  await begin(6_000);
  book.record(await kernel.apply(await look(200_000)), 200_000);
  expect(book.summary.ended).toEqual({ ...none, empty: 1, wanted: 1, deadline: 1 });

  await reach(both, 200_000);
  await begin(201_000);
  kernel.state.virtualServers.get(key)!.destinations.delete('10.244.0.1:8080');
  expect(await look(203_000)).toEqual([]);
  await reach(both, 204_000);
  await begin(205_000);
  const server = { ...both.virtualServers.get(key)!, destinations: undefined };
  book.record(await kernel.apply([{ op: 'removeServer', server }]), 206_000);
  expect(book.summary).toEqual({
    destinations: 0,
    connections: 0,
    oldestSinceMs: undefined,
    started: 5,
    ended: { empty: 1, deadline: 1, wanted: 1, gone: 2 },
  });
});
