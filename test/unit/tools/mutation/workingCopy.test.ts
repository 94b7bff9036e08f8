import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mutantsOf } from '../../../tools/mutation/mutants.ts';
import { WorkingCopy } from '../../../tools/mutation/workingCopy.ts';

/** A checkout of one source file and one test, with this one's tools. */
const SOURCE = `export function isSmall(x: number): boolean {
  return x < 3;
}

export const untested = (x: number): boolean => x > 3;

export const typed: 1 = 1;
`;
const TEST = `import { expect, test } from '@jest/globals';
import { isSmall } from '../../../src/net/small.ts';

test('small', () => {
  expect(isSmall(2)).toBe(true);
  expect(isSmall(3)).toBe(false);
});
`;

/** A compiler or two runs of jest on a machine that is busy. */
const PATIENCE_MS = 120_000;

let checkout: string;
let copy: WorkingCopy;

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'kube-ipvs-test-'));
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    writeFileSync(join(checkout, file), text);
  };
  write('src/net/small.ts', SOURCE);
  write('test/unit/net/small.test.ts', TEST);
  for (const file of [
    'jest.config.js',
    'tsconfig.json',
    'test/support/lab/labOnly.ts',
    'test/support/lab/testLimit.ts',
    'test/tools/mutation/nearestFirst.mjs',
  ])
    write(file, readFileSync(file, 'utf8'));
  write('package.json', '{ "type": "module" }');
  write('.gitignore', 'node_modules\nbuild\n*.log\n');
  write('left.log', '');
  symlinkSync(resolve('node_modules'), join(checkout, 'node_modules'));
  execFileSync('git', ['init', '-q'], { cwd: checkout });
  copy = new WorkingCopy(checkout);
});

afterAll(() => {
  copy.remove();
  rmSync(checkout, { recursive: true, force: true });
});

const mutants = () => mutantsOf('src/net/small.ts', SOURCE);

test('a copy that is done with is gone', () => {
  const other = new WorkingCopy(checkout);
  other.remove();
  expect(existsSync(other.folder)).toBe(false);
});

test('what git ignores is not copied', () => {
  expect(existsSync(join(copy.folder, 'left.log'))).toBe(false);
  expect(copy.read('src/net/small.ts')).toBe(SOURCE);
});

test(
  'a mutant that does not compile is no mutant',
  () => {
    const lines = (of: readonly { line: number; kind: string }[]) =>
      of.map(({ line, kind }) => `${line} ${kind}`);
    expect(lines(mutants())).toContain('7 number');
    const compiling = lines(copy.compiling(mutants()));
    expect(compiling).toContain('2 compare');
    expect(compiling).not.toContain('7 number');
  },
  PATIENCE_MS,
);

test(
  'a mutant that a test notices is killed, another survives, and each is undone',
  async () => {
    const [noticed, unnoticed] = [2, 5].map((at) =>
      mutants().find(({ line, kind }) => line === at && kind === 'compare'),
    );
    expect(await copy.judge(noticed!)).toMatchObject({ outcome: 'killed' });
    expect(await copy.judge(unnoticed!)).toMatchObject({ outcome: 'survived' });
    expect(copy.read('src/net/small.ts')).toBe(SOURCE);
    expect(readFileSync(join(checkout, 'src/net/small.ts'), 'utf8')).toBe(SOURCE);
  },
  PATIENCE_MS,
);
