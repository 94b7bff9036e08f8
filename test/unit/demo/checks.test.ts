// What the demo concludes: its checks must be able to fail.

import { expect, test } from '@jest/globals';
import { Report } from '../../../demo/program/report.ts';
import { difference } from '../../../demo/program/requests.ts';
import { tally } from '../../../demo/program/stream.ts';

const answered = (by: string, client: string) => ({ kind: 'answered', by, client }) as const;
const both = [
  { by: 'web-1:8080', client: '10.244.1.1' },
  { by: 'web-2:8080', client: '192.0.2.11' },
];

test('answers are right in any order', () => {
  const results = both.map(({ by, client }) => answered(by, client)).toReversed();
  expect(difference(results, both)).toBeUndefined();
  expect(difference([{ kind: 'dropped' }], 'dropped')).toBeUndefined();
});

test.each([
  ['another pod', [answered('web-1:8080', '10.244.1.1'), answered('web-1:8080', '10.244.1.1')]],
  ['another client', [answered('web-1:8080', '10.244.1.1'), answered('web-2:8080', '10.9.9.9')]],
  ['no answer', [answered('web-1:8080', '10.244.1.1'), { kind: 'dropped' } as const]],
  ['too few', [answered('web-1:8080', '10.244.1.1')]],
])('%s is told', (_, results) => {
  expect(difference(results, both)).toContain('web-2:8080 saw 192.0.2.11');
});

test('neither an answer nor a refusal passes for a drop', () => {
  expect(difference([answered('web-1:8080', '10.0.0.1')], 'dropped')).toContain('web-1:8080');
  expect(difference([{ kind: 'refused' }], 'dropped')).toContain('refused');
  expect(difference([{ kind: 'error', code: 'ENETUNREACH' }], 'dropped')).toContain('ENETUNREACH');
});

test('requests are counted by who answered, within a span of time', () => {
  const requests = [
    { startedMs: 1, result: answered('a', 'x') },
    { startedMs: 2, result: answered('b', 'x') },
    { startedMs: 3, result: { kind: 'refused' } as const },
    { startedMs: 4, result: answered('a', 'x') },
  ];
  const all = { total: 4, failed: 1, answered: new Map(Object.entries({ a: 2, b: 1 })) };
  expect(tally(requests)).toEqual(all);
  expect(tally(requests, 2, 4)).toEqual({ total: 2, failed: 1, answered: new Map([['b', 1]]) });
});

test('all is right only when something was checked and nothing was wrong', () => {
  const lines: string[] = [];
  const report = new Report({ write: (text) => lines.push(text) });
  expect(report.isAllRight).toBe(false);
  report.check('one holds', undefined);
  expect(report.isAllRight).toBe(true);
  report.check('two holds', 'it does not');
  expect(report.isAllRight).toBe(false);
  report.summary();
  const text = lines.join('');
  expect(text).toMatch(/✔ ok {5}one holds/);
  expect(text).toMatch(/✘ WRONG {2}two holds/);
  expect(text).toContain('it does not');
  expect(text).toContain('2 checks, 1 wrong');
});
