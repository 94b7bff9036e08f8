/** Many peers and long tables: everybody hears first what is new, and nothing stands in the way. */
import { expect, test } from '@jest/globals';
import { OwnTables } from '../../../../src/loadbalancer/peers/ownTables.ts';
import { Transfers } from '../../../../src/loadbalancer/peers/transfers.ts';
import type { HeartbeatBody } from '../../../../src/wire/heartbeatBody.ts';
import { ownState } from '../../../support/loadbalancer/peerProcess.ts';

const names = Array.from({ length: 64 }, (_, i) => `n${i}`);
const parts = (count: number): readonly HeartbeatBody[] =>
  Array.from({ length: count }, (_, part) => ({
    type: 'claims' as const,
    part,
    parts: count,
    entries: [],
  }));
const partOf = (body: HeartbeatBody) => ('part' in body ? body.part : -1);

function started(): Transfers {
  const transfers = new Transfers();
  transfers.setNodes(names);
  transfers.restart(names);
  return transfers;
}

test('so many at a time, however often it is asked', () => {
  const transfers = started();
  const counts = Array.from({ length: 51 }, (_, ms) => transfers.due(parts(80), ms).length);
  expect(counts[0]).toBe(128);
  const later = counts.slice(1).reduce((sum, count) => sum + count, 0);
  expect(later).toBeLessThanOrEqual(128);
  expect(later).toBeGreaterThan(90);
});

test('everybody gets its first parts before anybody its last ones, and all of them once', () => {
  const transfers = started();
  const told = new Map<string, number[]>(names.map((name) => [name, []]));
  const rounds: number[] = [];
  for (let nowMs = 0; nowMs <= 2_100; nowMs += 50) {
    for (const { node, body } of transfers.due(parts(80), nowMs))
      told.get(node)!.push(partOf(body));
    rounds.push([...told.values()].filter((each) => each.length > 0).length);
  }
  expect(rounds.slice(0, 3)).toEqual([32, 64, 64]);
  for (const each of told.values()) expect(each).toEqual(parts(80).map(partOf));
});

test('tables that change with every tick reach everybody all the same', () => {
  const transfers = started();
  const heard = new Set<string>();
  for (let nowMs = 0; nowMs < 200; nowMs += 50) {
    for (const { node } of transfers.due(parts(80), nowMs)) heard.add(node);
    transfers.restart(names);
  }
  expect(heard.size).toBe(64);
});

test('releases go before everything else', () => {
  const transfers = started();
  const release: HeartbeatBody = { type: 'release', part: 0, parts: 1, entries: ['192.0.2.1'] };
  transfers.addUrgent(names, [release]);
  const sent = transfers.due(parts(80), 0);
  expect(sent.slice(0, 64).map(({ body }) => body.type)).toEqual(names.map(() => 'release'));
  expect(sent.slice(64).map(({ body }) => body.type)).toEqual(names.map(() => 'claims'));
});

test('what is claimed newly stands in the first part', () => {
  const own = new OwnTables('n1');
  const old = Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  own.set(ownState({ claims: new Set(old) }));
  own.set(ownState({ claims: new Set([...old, '192.0.2.2', '192.0.2.1']) }));
  own.set(ownState({ claims: new Set([...old.slice(1), '192.0.2.3', '192.0.2.2', '192.0.2.1']) }));
  const [first] = own.bodies;
  expect(first).toMatchObject({ type: 'claims', part: 0 });
  expect('entries' in first! ? first.entries.slice(0, 4) : []).toEqual([
    '192.0.2.3',
    '192.0.2.2',
    '192.0.2.1',
    '10.0.0.1',
  ]);
  expect(own.bodies).toBe(own.bodies);
});
