import { expect, test } from '@jest/globals';
import { type JestReport, totalsOf } from '../../tools/jestRun.mjs';
import { sumOf, totalsLine, totalsTable } from '../../tools/totals.mjs';

const file = (name: string, outcomes: readonly string[], status = 'passed') => ({
  name: `/checkout/test/${name}`,
  status,
  assertionResults: outcomes.map((outcome) => ({ status: outcome })),
});

const totals = (report: JestReport | undefined, status: number) =>
  totalsOf(['unit', 'golden'], report, status, '/checkout/test');

test('tests count for the folder their file is in', () => {
  const testResults = [
    file('unit/net/a.test.ts', ['passed', 'passed', 'pending']),
    file('golden/b.test.ts', ['passed', 'failed'], 'failed'),
  ];
  expect(totals({ testResults }, 1)).toEqual({
    unit: { passed: 2, failed: 0, skipped: 1 },
    golden: { passed: 1, failed: 1, skipped: 0 },
  });
});

test('a file that could not be loaded is a failure', () => {
  const testResults = [file('golden/b.test.ts', [], 'failed')];
  expect(totals({ testResults }, 1)['golden']).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('a bad exit status without a failed test is a failure, and so is a missing report', () => {
  const testResults = [file('unit/a.test.ts', ['passed'])];
  expect(totals({ testResults }, 1)['unit']).toEqual({ passed: 1, failed: 1, skipped: 0 });
  expect(totals(undefined, 0)['unit']).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('a whole is the sum of its parts, one that left no report too', () => {
  const none = { passed: 0, failed: 1, skipped: 0 };
  const parts = [{ kernel: { passed: 3, failed: 0, skipped: 1 } }, { kernel: none }];
  expect(sumOf(parts)).toEqual({ kernel: { passed: 3, failed: 1, skipped: 1 } });
});

test('the last line is plain, and names skipped tests only when there are any', () => {
  const some = { passed: 3, failed: 1, skipped: 0 };
  expect(totalsLine({ unit: some, e2e: some })).toBe('6 passed, 2 failed');
  expect(totalsLine({ unit: some, e2e: { ...some, skipped: 2 } })).toBe(
    '6 passed, 2 failed, 2 skipped',
  );
  expect(totalsTable({ unit: some })).toBe(
    '              passed  failed skipped\nunit               3       1       0\n',
  );
});
