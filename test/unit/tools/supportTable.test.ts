import { expect, test } from '@jest/globals';
import { between, kernelTable } from '../../tools/supportTable.mjs';

const [NEW, OLD] = [
  { commit: 'abc1234567', at: '2026-12-01T10:00:00.000Z' },
  { commit: 'def7654321', at: '2026-11-30T10:00:00.000Z' },
];
const result = (counts: readonly number[], when = NEW) => {
  const [passed = 0, failed = 0, skipped = 0] = counts;
  return { passed, failed, skipped, seconds: 1, failures: [], ...when };
};

test('a kernel is a line of the first table and a column of the second, failures in bold', () => {
  const uml = {
    kernel: 'uml',
    about: { release: '6.1.176', processors: '1', iptables: '1.8.9 (legacy)' },
    paths: ['kernel/a.test.ts', 'kernel/c.test.ts'],
    files: { 'kernel/a.test.ts': result([2]) },
  };
  const debian = {
    kernel: 'debian-6.12',
    about: { release: '6.12.1', processors: '2', iptables: '1.8.9 (nf_tables)' },
    paths: ['debian/b.test.ts', 'kernel/a.test.ts', 'kernel/c.test.ts'],
    files: {
      'debian/b.test.ts': result([1, 0, 1], OLD),
      'kernel/a.test.ts': result([1, 1]),
      'kernel/c.test.ts': result([4]),
    },
  };
  const [kernels = '', files = ''] = kernelTable([uml, debian]).split('\n\n');
  const cells = (table: string) =>
    table.split('\n').map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  const commits = 'abc1234567 (2026-12-01): 2, def7654321 (2026-11-30): 1';
  expect(cells(kernels)[0]!.slice(2)).toEqual([
    'processors',
    'iptables',
    'files',
    'at commit',
    'passed',
    'failed',
    'skipped',
  ]);
  expect(
    cells(kernels)
      .slice(2)
      .map((row) => row.join(' / ')),
  ).toEqual([
    "6.1.176 / Debian's user-mode-linux / 1 / 1.8.9 (legacy) / 1 of 2 / abc1234567 (2026-12-01) / 2 / 0 / 0",
    `6.12.1 / Debian's package, emulated / 2 / 1.8.9 (nf_tables) / 3 of 3 / ${commits} / 6 / 1 / 1`,
  ]);
  expect(files.split('\n')).toEqual([
    '| tests              | 6.1.176 | 6.12.1          |',
    '| ------------------ | ------- | --------------- |',
    '| `debian/b.test.ts` |         | 1, 1 skipped    |',
    '| `kernel/a.test.ts` | 2       | 1, **1 failed** |',
    '| `kernel/c.test.ts` | –       | 4               |',
  ]);
});

test('it goes between the marks of the document, and nowhere else', () => {
  const document = 'a\n<!-- written by npm run test:kernels -->\n\nold\n\n<!-- end -->\nb\n';
  const made = between(document, 'new');
  expect(made).toBe(document.replace('old', 'new'));
  expect(between(made, 'new')).toBe(made);
  expect(() => between('no marks', 'new')).toThrow('the document has no');
});
