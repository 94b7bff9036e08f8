/**
 * Would a test notice? Makes single mutations of `src/`, a random sample that a seed repeats, and
 * asks the unit, property and golden tests that import the file. What survives is a line whose
 * being wrong no fast test notices: a missing test, or a mutation that changes nothing.
 *
 *   npm run test:mutation -- FOLDER... [--seed N] [--count N]
 *
 * A FOLDER is one of `src` (`agent`), or a file (`src/agent/loop/scope.ts`). Takes some seconds a
 * mutant; not part of CI.
 */
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { checkout } from '../../packaging/machine.mjs';
import { mutantsOf, sample, type Mutant } from './mutation/mutants.ts';
import { report, survivorLine, type Judged } from './mutation/report.ts';
import { type Verdict, WorkingCopy } from './mutation/workingCopy.ts';

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
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      copy.remove();
      process.exit(130);
    });
  }
  try {
    const { seed, count } = values;
    const mutants = positionals.flatMap((name) => drawn(copy, name, Number(seed), Number(count)));
    await mustPass(copy, mutants);
    const judged: Judged[] = [];
    for (const mutant of mutants) {
      const verdict = await copy.judge(mutant);
      judged.push({ mutant, verdict });
      process.stdout.write(`${judged.length} ${verdictLine(mutant, verdict)}\n`);
    }
    process.stdout.write(`\n${report(judged)}`);
    return 0;
  } finally {
    copy.remove();
  }
}

function drawn(copy: WorkingCopy, name: string, seed: number, count: number): readonly Mutant[] {
  const all = sourceFiles(name).flatMap((file) => mutantsOf(file, copy.read(file)));
  const mutants = compilingSample(copy, sample(all, seed), count);
  process.stdout.write(`${name}: ${mutants.length} of ${all.length} mutants, seed ${seed}\n`);
  return mutants;
}

function verdictLine(mutant: Mutant, { outcome, seconds }: Verdict): string {
  return `${outcome} ${seconds.toFixed(1)} s ${survivorLine(mutant)}`;
}

/** Many do not compile: as many as are still missing are tried at a time, twice over. */
function compilingSample(
  copy: WorkingCopy,
  ordered: readonly Mutant[],
  count: number,
): readonly Mutant[] {
  const found: Mutant[] = [];
  for (let from = 0; from < ordered.length && found.length < count;) {
    const tried = ordered.slice(from, from + 2 * (count - found.length));
    found.push(...copy.compiling(tried));
    from += tried.length;
  }
  return found.slice(0, count);
}

/** With nothing wrong the tests must pass, or every mutant would count as noticed. */
async function mustPass(copy: WorkingCopy, mutants: readonly Mutant[]): Promise<void> {
  const files = [...new Set(mutants.map(({ file }) => file))];
  if (files.length === 0 || (await copy.test(files)).outcome === 'survived') return;
  throw new Error('the tests fail without any mutation: see npm run test:unit');
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
