/**
 * Would a test notice? Makes single mutations of `src/`, a random sample that a seed repeats, and asks the unit, property and golden tests that
 * import the file. What survives is a line whose being wrong no fast test notices: a missing test, or a mutation that changes nothing.
 *
 *   npm run test:mutation -- FOLDER... [--seed N] [--count N]
 *
 * A FOLDER is one of `src` (`agent`), or a file (`src/agent/scope.ts`). Takes some seconds a mutant; not part of CI.
 */
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { checkout } from '../lab/workshop.mjs';
import { mutantsOf, sample, type Mutant } from './mutation/mutants.ts';
import { report, survivorLine, type Judged } from './mutation/report.ts';
import { WorkingCopy } from './mutation/workingCopy.ts';

/** Tests with a mutant may take so many times what they take without; the machine may have become busier. */
const PATIENCE = 4;
const LEAST_TIMEOUT_MS = 75_000;
const BASELINE_TIMEOUT_MS = 600_000;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '40' },
    },
  });
  if (positionals.length === 0) throw new Error('name a folder of src, such as: agent');
  const copy = new WorkingCopy(checkout);
  process.once('SIGINT', () => {
    copy.remove();
    process.exit(130);
  });
  try {
    const judged: Judged[] = [];
    for (const folder of positionals)
      judged.push(...(await mutate(copy, folder, Number(values.seed), Number(values.count))));
    process.stdout.write(`\n${report(judged)}`);
    return 0;
  } finally {
    copy.remove();
  }
}

async function mutate(
  copy: WorkingCopy,
  folder: string,
  seed: number,
  count: number,
): Promise<readonly Judged[]> {
  const files = sourceFiles(folder);
  const all = files.flatMap((file) => mutantsOf(file, copy.read(file)));
  const mutants = compilingSample(copy, sample(all, seed), count);
  process.stdout.write(`${folder}: ${mutants.length} of ${all.length} mutants, seed ${seed}\n`);
  const timeoutMs = await timeoutFor(copy, mutants);
  const judged: Judged[] = [];
  for (const [index, mutant] of mutants.entries()) {
    const verdict = await copy.judge(mutant, timeoutMs);
    judged.push({ mutant, verdict });
    const { outcome, seconds } = verdict;
    process.stdout.write(
      `${index + 1} ${outcome} ${seconds.toFixed(1)} s ${survivorLine(mutant)}\n`,
    );
  }
  return judged;
}

/** Many do not compile: as many as are still missing are tried at a time, twice over. */
function compilingSample(
  copy: WorkingCopy,
  drawn: readonly Mutant[],
  count: number,
): readonly Mutant[] {
  const found: Mutant[] = [];
  for (let from = 0; from < drawn.length && found.length < count;) {
    const tried = drawn.slice(from, from + 2 * (count - found.length));
    found.push(...copy.compiling(tried));
    from += tried.length;
  }
  return found.slice(0, count);
}

/** With nothing wrong the tests must pass, or every mutant would count as noticed. */
async function timeoutFor(copy: WorkingCopy, mutants: readonly Mutant[]): Promise<number> {
  const files = [...new Set(mutants.map(({ file }) => file))];
  if (files.length === 0) return LEAST_TIMEOUT_MS;
  const { outcome, seconds } = await copy.test(files, BASELINE_TIMEOUT_MS);
  if (outcome !== 'survived')
    throw new Error('the tests fail without any mutation: see npm run test:unit');
  return Math.max(LEAST_TIMEOUT_MS, PATIENCE * seconds * 1_000);
}

function sourceFiles(name: string): readonly string[] {
  const path = join(checkout, name.startsWith('src/') ? name : join('src', name));
  if (statSync(path).isFile()) return [relative(checkout, path)];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .toSorted()
    .map((file) => relative(checkout, join(path, file)));
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`test:mutation: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
