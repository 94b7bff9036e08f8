/**
 * What test files came to on a kernel is kept file by file, and counts as long as the code is the
 * same.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { resultOf } from '../../tools/fileReporter.mjs';
import { KeptResults, writeWhole } from '../../tools/keptResults.mjs';
import NamedOrder from '../../tools/namedOrder.mjs';

const KERNEL = 'debian-6.12';
const PATHS = ['kernel/a.test.ts', 'kernel/b.test.ts'];

let folder: string;
let tree: string;
let store: KeptResults;

function git(...argv: readonly string[]): void {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
  execFileSync('git', [...identity, '-c', 'init.defaultBranch=main', ...argv], {
    cwd: tree,
    stdio: 'ignore',
  });
}

function commit(path: string, text: string): void {
  writeFileSync(join(tree, path), text);
  git('add', '.');
  git('commit', '-q', '-m', text);
}

/** As the reporter does in the lab. */
function ran(path: string, statuses: readonly string[], hour = 10): void {
  const into = store.folderOfNow(KERNEL);
  writeWhole(join(into, 'about.json'), { release: '6.12.1', processors: '2', iptables: '1.8.9' });
  const testResults = statuses.map((status, i) => ({ status, fullName: `test ${i}` }));
  const file = { testFilePath: path, testResults, perfStats: { runtime: 1_600 } };
  writeWhole(join(into, `${path}.json`), resultOf(file, new Date(Date.UTC(2026, 10, 30, hour))));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kept-results-'));
  tree = join(folder, 'tree');
  execFileSync('mkdir', [tree]);
  store = new KeptResults(join(folder, 'kept'), tree);
  git('init', '-q');
  commit('code.ts', 'first');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('of a file its counts are kept, and which of its tests failed', () => {
  ran('kernel/a.test.ts', ['passed', 'passed', 'failed', 'pending']);
  expect(store.read(KERNEL, PATHS)).toEqual({
    about: { release: '6.12.1', processors: '2', iptables: '1.8.9' },
    files: {
      'kernel/a.test.ts': {
        passed: 2,
        failed: 1,
        skipped: 1,
        seconds: 2,
        at: '2026-11-30T10:00:00.000Z',
        failures: ['test 2'],
        commit: expect.stringMatching(/^[0-9a-f]{10}$/),
      },
    },
  });
});

test('a file that could not be loaded is a failure', () => {
  const broken = { testFilePath: 'x', testResults: [], perfStats: { runtime: 0 } };
  expect(resultOf({ ...broken, testExecError: new Error('no') })).toMatchObject({
    passed: 0,
    failed: 1,
    failures: ['the file itself'],
  });
});

test('what has run counts for the next commit when that only writes about it', () => {
  ran('kernel/a.test.ts', ['passed']);
  expect([...store.doneNow(KERNEL)]).toEqual(['kernel/a.test.ts']);
  commit('README.md', 'second');
  expect([...store.doneNow(KERNEL)]).toEqual(['kernel/a.test.ts']);
  commit('code.ts', 'third');
  expect([...store.doneNow(KERNEL)]).toEqual([]);
});

test('with changes that are not committed nothing counts', () => {
  ran('kernel/a.test.ts', ['passed']);
  writeFileSync(join(tree, 'code.ts'), 'changed');
  expect([...store.doneNow(KERNEL)]).toEqual([]);
  ran('kernel/b.test.ts', ['passed']);
  expect([...store.doneNow(KERNEL)]).toEqual([]);
  expect(store.read(KERNEL, PATHS)?.files['kernel/b.test.ts']?.commit).toBe('changed');
});

test('of each file the newest result is told, whatever commit it is of', () => {
  ran('kernel/a.test.ts', ['failed'], 10);
  ran('kernel/b.test.ts', ['passed'], 11);
  commit('code.ts', 'second');
  ran('kernel/a.test.ts', ['passed'], 12);
  const { files } = store.read(KERNEL, PATHS)!;
  expect(files['kernel/a.test.ts']).toMatchObject({ passed: 1, failed: 0 });
  expect(files['kernel/b.test.ts']!.commit).not.toBe(files['kernel/a.test.ts']!.commit);
  expect(Object.keys(store.read(KERNEL, ['kernel/b.test.ts'])!.files)).toEqual([
    'kernel/b.test.ts',
  ]);
});

test('what has run can be forgotten, other kernels and other code apart', () => {
  ran('kernel/a.test.ts', ['passed']);
  commit('code.ts', 'second');
  ran('kernel/b.test.ts', ['passed']);
  store.forgetNow(KERNEL);
  expect([...store.doneNow(KERNEL)]).toEqual([]);
  expect(Object.keys(store.read(KERNEL, PATHS)!.files)).toEqual(['kernel/a.test.ts']);
  expect(store.read('debian-6.1', PATHS)).toBeUndefined();
});

test('files run in the order in which they are named', () => {
  process.argv.push('/t/c.test.ts', '/t/a.test.ts', '/t/b.test.ts');
  const files = ['/t/a.test.ts', '/t/b.test.ts', '/t/c.test.ts'].map((path) => ({ path }));
  const sorted = new NamedOrder().sort(files).map(({ path }) => path);
  expect(sorted).toEqual(process.argv.splice(-3));
});
