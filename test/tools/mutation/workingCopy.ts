/**
 * A copy of the checkout in a folder of its own, where files may be made wrong: the checkout itself
 * is never touched, not even by a run that is killed. It holds what git knows and what is not yet
 * committed; node_modules and the built addon are links.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { applyMutant, type Mutant } from './mutants.ts';
import { Silence } from './silence.ts';

const JUDGES = ['unit', 'property', 'golden'];
/**
 * No file of tests takes so long: what is silent for longer, while it could have run, goes round in
 * circles.
 */
const SILENCE_MS = 300_000;
const LOOK_MS = 1_000;
/** Of one test: a mutant that makes it wait for ever is noticed by it, a busy machine is not. */
const TEST_TIMEOUT_MS = 120_000;
const NEAREST_FIRST = join('test', 'tools', 'mutation', 'nearestFirst.mjs');

export interface Verdict {
  /** `late`: the tests had no end in time, as with an endless loop; that counts as noticed. */
  readonly outcome: 'killed' | 'late' | 'survived';
  readonly seconds: number;
}

export class WorkingCopy {
  readonly folder: string;
  #running: ChildProcess | undefined;

  constructor(checkout: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'kube-ipvs-mutation-'));
    const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
      cwd: checkout,
      encoding: 'utf8',
    });
    for (const file of listed.split('\0').filter((name) => existsSync(join(checkout, name)))) {
      if (file !== '') cpSync(join(checkout, file), join(this.folder, file));
    }
    for (const name of ['node_modules', 'build']) {
      if (existsSync(join(checkout, name)))
        symlinkSync(join(checkout, name), join(this.folder, name));
    }
  }

  /** Ends what runs in it, too. */
  remove(): void {
    this.#running?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  /**
   * One run of the compiler for all: each mutant as a file of its own beside the original, which
   * nothing imports.
   *
   * @returns those that compile
   */
  compiling(mutants: readonly Mutant[]): readonly Mutant[] {
    const beside = mutants.map(({ file }, index) =>
      join(dirname(file), `${basename(file, '.ts')}.mutant${index}.ts`),
    );
    for (const [index, mutant] of mutants.entries()) {
      this.#write(beside[index]!, applyMutant(this.read(mutant.file), mutant));
    }
    this.#write(
      'tsconfig.mutants.json',
      JSON.stringify({ extends: './tsconfig.json', include: [], files: beside }),
    );
    const { stdout } = spawnSync(
      join('node_modules', '.bin', 'tsc'),
      ['-p', 'tsconfig.mutants.json', '--pretty', 'false'],
      {
        cwd: this.folder,
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      },
    );
    for (const file of beside) rmSync(join(this.folder, file));
    const wrong = new Set(
      [...stdout.matchAll(/^(.*\.mutant\d+\.ts)\(/gm)].map((match) => match[1]),
    );
    return mutants.filter((_, index) => !wrong.has(beside[index]));
  }

  /** The related tests with one thing wrong; afterwards it is right again. */
  async judge(mutant: Mutant): Promise<Verdict> {
    const right = this.read(mutant.file);
    this.#write(mutant.file, applyMutant(right, mutant));
    try {
      return await this.test([mutant.file]);
    } finally {
      this.#write(mutant.file, right);
    }
  }

  /**
   * The tests that import the files, those of their own folder first, up to the first that fails.
   */
  async test(files: readonly string[]): Promise<Verdict> {
    const start = performance.now();
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const jest = [join('node_modules', 'jest', 'bin', 'jest.js'), '--selectProjects', ...JUDGES];
    const how = [
      '--bail',
      '--runInBand',
      '--passWithNoTests',
      `--testSequencer=./${NEAREST_FIRST}`,
      `--testTimeout=${TEST_TIMEOUT_MS}`,
    ];
    const argv = [...flags, ...jest, ...how, '--findRelatedTests', ...files];
    const child = spawn(process.execPath, argv, {
      cwd: this.folder,
      env: { ...process.env, KUBE_IPVS_MUTATED: files.join(':') },
    });
    this.#running = child;
    const outcome = await new Promise<Verdict['outcome']>((resolve, reject) => {
      const silence = new Silence(child.pid);
      const timer = setInterval(() => {
        if (silence.lengthMs() < SILENCE_MS) return;
        child.kill('SIGKILL');
        resolve('late');
      }, LOOK_MS);
      // jest says so after each file of tests.
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', () => silence.interrupt());
      child.on('error', reject);
      child.on('exit', (status) => {
        clearInterval(timer);
        resolve(status === 0 ? 'survived' : 'killed');
      });
    });
    return { outcome, seconds: (performance.now() - start) / 1_000 };
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }
}
