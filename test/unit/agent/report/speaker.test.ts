import { expect, test } from '@jest/globals';
import { speaksFor } from '../../../../src/agent/report/speaker.ts';

const nodesOf = (count: number) => Array.from({ length: count }, (_, i) => `worker-${i}`);
const subjects = Array.from({ length: 400 }, (_, i) => `Service shop/s${i} AddressTaken`);
const speakersOf = (subject: string, count: number) =>
  nodesOf(count).filter((name) => speaksFor(count, name, subject));

test.each([
  [50, 400],
  [500, 100],
  [5_000, 40],
])('about six of %d Nodes speak, hardly ever nobody', (count, of) => {
  const numbers = subjects.slice(0, of).map((subject) => speakersOf(subject, count).length);
  const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
  expect(mean).toBeGreaterThan(5);
  expect(mean).toBeLessThan(7);
  expect(Math.max(...numbers)).toBeLessThan(20);
  expect(numbers.filter((each) => each === 0).length).toBeLessThanOrEqual(4);
});

test('the work is spread', () => {
  const counts = new Map<string, number>();
  for (const subject of subjects)
    for (const name of speakersOf(subject, 100)) counts.set(name, (counts.get(name) ?? 0) + 1);
  expect(counts.size).toBe(100);
  expect(Math.max(...counts.values())).toBeLessThan(60);
});

test('a Node more or less hardly moves anything', () => {
  const before = speakersOf('Service shop/web AddressTaken', 200);
  const after = speakersOf('Service shop/web AddressTaken', 201);
  expect(before.filter((name) => !after.includes(name)).length).toBeLessThan(2);
});

test('in a cluster of few Nodes each of them speaks', () => {
  for (const count of [0, 1, 5]) expect(speaksFor(count, 'node-1', 'x')).toBe(true);
});
