/** docs/events.md has a row for each Event that the code can make. */
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { CONDITIONS } from '../../../src/agent/conditions.ts';
import { ENDINGS, type Consequence, isHarmless, reasonOf } from '../../../src/model/consequence.ts';
import type { Condition } from '../../../src/ops/conditions.ts';

const ROWS = readFileSync('docs/events.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
const reasonsAbout = (kind: string, ...tellers: readonly string[]) =>
  ROWS.filter(([, , , about, by]) => about === kind && tellers.includes(by!)).map(
    ([, reason]) => reason!,
  );

/** About files, and objects that are no Service: an API server lets no such one pass. */
const WITHOUT_EVENT: readonly Consequence[] = [
  'NodeSkipped',
  'EndpointSliceSkipped',
  'HintSkipped',
  'ConditionSkipped',
  'ObjectSkipped',
  'DocumentSkipped',
  'LastStateKept',
  'LastVersionKept',
];
/** Told as conditions of the node. */
const CONDITIONS_TOO: readonly Consequence[] = ['NodeUnknown', 'NodeGone', 'PodsNotTold'];
const OF_THE_NODE = ['NodeNotProgrammed', 'NotRemoved'];

test('each Event about a Service has its row', () => {
  const apart = new Set<string>([...WITHOUT_EVENT, ...CONDITIONS_TOO, ...OF_THE_NODE]);
  const reasons = (Object.keys(ENDINGS) as Consequence[])
    .filter((consequence) => !isHarmless(consequence) && !apart.has(consequence))
    .map(reasonOf);
  expect(new Set(reasonsAbout('Service', 'one node', 'the first node'))).toEqual(new Set(reasons));
});

test('each Event about a Node has its row', () => {
  const ofConditions = (CONDITIONS as readonly Condition[]).flatMap(({ event }) =>
    event === undefined ? [] : [event.reason],
  );
  const known = ['Starting', ...ofConditions, ...OF_THE_NODE];
  expect(new Set(reasonsAbout('Node', 'its node'))).toEqual(new Set(known));
});

test('so has what features tell of Services', () => {
  const told = globSync('src/*/shell/*.ts').flatMap((file) =>
    Array.from(
      readFileSync(file, 'utf8').matchAll(/record\(\{[^}]*\},[^}]*reason: '(\w+)'/g),
      ([, reason]) => reason!,
    ),
  );
  expect(told).toEqual(expect.arrayContaining(['FailedToStartServiceHealthcheck']));
  expect(reasonsAbout('Service', 'each node')).toEqual([...new Set(told)]);
});

test('so has what the allocator tells', () => {
  const files = ['src/loadbalancer/events.ts', 'src/loadbalancer/allocation/decision.ts'];
  const text = files.map((file) => readFileSync(file, 'utf8')).join('');
  const told = Array.from(text.matchAll(/'(Address[A-Z]\w+)'/g), ([, reason]) => reason!);
  expect(new Set(reasonsAbout('Service', 'the allocator'))).toEqual(new Set(told));
});

test('no reason has two rows, and each says what it means', () => {
  const reasons = ROWS.map(([, reason]) => reason);
  expect(new Set(reasons).size).toBe(reasons.length);
  for (const row of ROWS) expect(row[5]).toMatch(/\w+ \w+/);
});
