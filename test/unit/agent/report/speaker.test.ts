import { expect, test } from '@jest/globals';
import { speaksFor } from '../../../../src/agent/report/speaker.ts';

const nodes = Array.from({ length: 200 }, (_, i) => `worker-${i}`);
const speakersOf = (subject: string, all = nodes) =>
  all.filter((name) => speaksFor(all, name, subject));

test('two of all Nodes speak, whatever the order in which they are known', () => {
  for (let i = 0; i < 20; i++) {
    const speakers = speakersOf(`Service/shop/s${i}.spec.ports[0]`);
    expect(speakers).toHaveLength(2);
    const backwards = speakersOf(`Service/shop/s${i}.spec.ports[0]`, nodes.toReversed());
    expect(backwards.toSorted()).toEqual(speakers.toSorted());
  }
});

test('the work is spread', () => {
  const few = nodes.slice(0, 40);
  const counts = new Map<string, number>();
  for (let i = 0; i < 200; i++) {
    for (const name of speakersOf(`Service/shop/s${i}`, few))
      counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  expect(counts.size).toBe(few.length);
  expect(Math.max(...counts.values())).toBeLessThan(40);
});

test('a Node that goes leaves its word to another and moves nothing else', () => {
  const subject = 'Service/shop/web';
  const [first, second] = speakersOf(subject);
  const left = nodes.filter((name) => name !== first);
  expect(speakersOf(subject, left)).toContain(second);
  expect(speakersOf(subject, left)).toHaveLength(2);
});

test('alone, or while no Node is known, this one speaks', () => {
  expect(speaksFor(['node-1'], 'node-1', 'x')).toBe(true);
  expect(speaksFor([], 'node-1', 'x')).toBe(true);
});
