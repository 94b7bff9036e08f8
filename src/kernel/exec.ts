/**
 * Runs one program to its end, without a shell. Decides how a failure is reported (ExecError, with
 * the package to install when the program is missing); what a program's exit code means is the
 * caller's.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { ExecError, hasCode } from './errors.ts';

export interface RunOptions {
  /** given to the program's standard input, which is then closed */
  readonly stdin?: string;
  /** after it the program is killed; default 60 s */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

export type Argv = readonly [program: string, ...args: string[]];

/** Stands in for {@link run} in tests. @throws ExecError unless the exit code is 0 */
export type Runner = (argv: Argv, options?: RunOptions) => Promise<RunResult>;

const DEFAULT_TIMEOUT_MS = 60_000;

/** Bytes of output to keep: the rules of a large node that others fill have some megabytes. */
const MAX_OUTPUT_BYTES = 1 << 30;

export const run: Runner = (argv, { stdin = '', timeoutMs = DEFAULT_TIMEOUT_MS } = {}) =>
  new Promise((resolve, reject) => {
    const [program, ...args] = argv;
    const options = {
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      encoding: 'utf8',
    } as const;
    const child = start(argv, () =>
      execFile(program, args, options, (error, stdout, stderr) => {
        if (error === null) resolve({ stdout, stderr });
        else reject(execError(argv, stderr, error, timeoutMs));
      }),
    );
    // a program that fails early leaves its input unread (EPIPE): its exit code says why
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
  });

/**
 * A program that cannot be started is told by an 'error' event or by a throw, as the errno happens
 * to be; here both are ExecErrors. At EMFILE and ENFILE, which come as events, the child has no
 * streams: whoever touches them does so with `?.`.
 *
 * @throws ExecError
 */
export function start<T extends ChildProcess>(argv: Argv, spawn: () => T): T {
  try {
    return spawn();
  } catch (error) {
    throw new ExecError({ argv, stderr: startReason(argv, error as Error), cause: error });
  }
}

/** Why a program was not started, with the cure where there is one. */
export function startReason([program]: Argv, error: Error & { code?: unknown }): string {
  const { code, message } = error;
  if (code === 'ENOENT') return missingProgram(program);
  const shortage = typeof code === 'string' ? SHORTAGES[code] : undefined;
  return shortage === undefined ? message : `${message} (${shortage})`;
}

const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: 'this process has no file descriptor left; the limit is ulimit -n, LimitNOFILE of a unit',
  ENFILE: 'this machine has no file descriptor left; the limit is the sysctl fs.file-max',
  EAGAIN:
    'no more processes may be started here; the limit is ulimit -u, or pids.max of the cgroup',
  ENOMEM: 'no memory is left to start it',
};

function execError(
  argv: Argv,
  stderr: string,
  error: Error & { code?: number | string | null; killed?: boolean },
  timeoutMs: number,
): ExecError {
  if (error.killed) {
    const text = `killed after ${timeoutMs} ms: ${stderr}`;
    return new ExecError({ argv, stderr: text, cause: error });
  }
  if (typeof error.code === 'number')
    return new ExecError({ argv, exitCode: error.code, stderr, cause: error });
  return new ExecError({ argv, stderr: stderr || startReason(argv, error), cause: error });
}

/** What to do when a program is not there. */
export function missingProgram(program: string): string {
  const name = program.startsWith('ipset') ? 'ipset' : 'iptables';
  return `${program} was not found in PATH: install the package ${name} (that is its name in Debian, Alpine and Fedora)`;
}

/** Whether an error says that the program itself is missing. */
export function isMissingProgram(error: unknown): boolean {
  return error instanceof ExecError && hasCode(error.cause, 'ENOENT');
}
