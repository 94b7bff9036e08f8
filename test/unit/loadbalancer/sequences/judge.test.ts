/** The judge of the random sequences would see it if two answered. */
import { expect, test } from '@jest/globals';
import { answeredBetween, overlapsIn } from '../../../support/loadbalancer/sequences/judge.ts';
import type { Sighting } from '../../../support/loadbalancer/sequences/witness.ts';

const ADDRESS = 'c0000240';

/** A question every 20 ms, answered 1 ms later, or so much later as is said: `a a b b@400 -`. */
function seen(words: string): readonly Sighting[] {
  return words
    .split(' ')
    .flatMap((word, i): readonly Sighting[] => {
      const [macs = '', lateMs = '1'] = word.split('@');
      const at = { address: ADDRESS, question: i + 1 };
      const askedMs = 10_000 + 20 * i;
      const answers = macs
        .replace('-', '')
        .split('')
        .map((mac) => ({ ...at, kind: 'answer' as const, mac, atMs: askedMs + Number(lateMs) }));
      return [{ ...at, kind: 'question', mac: 'asker', atMs: askedMs }, ...answers];
    })
    .sort((x, y) => x.atMs - y.atMs);
}

test.each([
  ['one hands over to another', 'a a a b b b'],
  [
    'one is silent, another one takes over, the first one is back much later',
    `a - - b b ${'b '.repeat(12)}a a`,
  ],
  ['one answers late', 'a a@300 a@280 a a'],
])('no overlap: %s', (_, words) => {
  expect(overlapsIn(seen(words))).toEqual([]);
});

test.each([
  ['both answer the same', 'a a ab ab b b', 20],
  ['they take turns', 'a b a b a b', 80],
  ['one answers what it was asked before another one had it', 'a a@100 b b b b b b', 80],
])('an overlap: %s', (_, words, forMs) => {
  const [overlap, ...more] = overlapsIn(seen(words));
  expect(overlap).toMatchObject({ address: ADDRESS, macs: ['a', 'b'] });
  expect(overlap!.toMs - overlap!.fromMs).toBe(forMs);
  expect(more).toEqual([]);
});

test('a busy machine is told by how late its answers are', () => {
  expect(overlapsIn(seen('a a@150 ab ab b'))).toMatchObject([{ latenessMs: 150 }]);
});

test('settled is who answers each question in a while', () => {
  const of = (words: string) => answeredBetween(seen(words), 10_000, 10_060).get(ADDRESS);
  expect(of('a a a a')).toEqual(['a']);
  expect(of('ab ab ab ab')).toEqual(['a', 'b']);
  expect(of('a a - a')).toBeUndefined();
  expect(of('- - - -')).toEqual([]);
});
