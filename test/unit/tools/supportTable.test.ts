import { expect, test } from '@jest/globals';
import { between, kernelTable, resultsByFile } from '../../tools/supportTable.mjs';

const report = (name: string, outcomes: readonly string[], status = 'passed') => ({
  testResults: [
    {
      name: `/c/test/${name}`,
      status,
      assertionResults: outcomes.map((each) => ({ status: each })),
    },
  ],
});
const of = (...given: Parameters<typeof report>) => resultsByFile(report(...given), '/c/test');

test('each file counts by itself, one that could not be loaded as a failure', () => {
  expect(of('kernel/a.test.ts', ['passed', 'failed', 'pending'], 'failed')).toEqual({
    'kernel/a.test.ts': { passed: 1, failed: 1, skipped: 1 },
  });
  expect(of('kernel/b.test.ts', [], 'failed')).toEqual({
    'kernel/b.test.ts': { passed: 0, failed: 1, skipped: 0 },
  });
});

test('a kernel is a line of the first table and a column of the second, failures in bold', () => {
  const uml = {
    kernel: 'uml',
    date: '2026-11-30',
    release: '6.1.176',
    processors: '1',
    iptables: '1.8.9 (legacy)',
    files: of('kernel/a.test.ts', ['passed', 'passed']),
  };
  const debian = {
    kernel: 'debian-6.12',
    date: '2026-12-01',
    release: '6.12.1',
    processors: '2',
    iptables: '1.8.9 (nf_tables)',
    files: {
      ...of('kernel/a.test.ts', ['passed', 'failed'], 'failed'),
      ...of('debian/b.test.ts', ['passed', 'pending']),
    },
  };
  expect(kernelTable([uml, debian]).split('\n')).toEqual([
    '| kernel  | from                       | processors | iptables          | on         | passed | failed | skipped |',
    '| ------- | -------------------------- | ---------- | ----------------- | ---------- | ------ | ------ | ------- |',
    "| 6.1.176 | Debian's user-mode-linux   | 1          | 1.8.9 (legacy)    | 2026-11-30 | 2      | 0      | 0       |",
    "| 6.12.1  | Debian's package, emulated | 2          | 1.8.9 (nf_tables) | 2026-12-01 | 2      | 1      | 1       |",
    '',
    '| tests              | 6.1.176 | 6.12.1          |',
    '| ------------------ | ------- | --------------- |',
    '| `debian/b.test.ts` | –       | 1, 1 skipped    |',
    '| `kernel/a.test.ts` | 2       | 1, **1 failed** |',
  ]);
});

test('it goes between the marks of the document, and nowhere else', () => {
  const document = 'a\n<!-- written by npm run test:kernels -->\n\nold\n\n<!-- end -->\nb\n';
  const made = between(document, 'new');
  expect(made).toBe(document.replace('old', 'new'));
  expect(between(made, 'new')).toBe(made);
  expect(() => between('no marks', 'new')).toThrow('the document has no');
});
