// Commands in network namespaces: `ip` batches (one process for many lines, forks are dear in the
// lab kernel) and commands with their output.

import { execFile, spawn } from 'node:child_process';

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
}

/**
 * Runs `ip` commands in one process; `namespace` undefined for the lab's own. @throws naming the
 * line that failed
 */
export async function ipBatch(namespace: string | undefined, lines: readonly string[]) {
  const argv = namespace ? ['-n', namespace, '-batch', '-'] : ['-batch', '-'];
  const { status, stderr } = await exec(['ip', ...argv], { input: `${lines.join('\n')}\n` });
  if (status === 0) return;
  const failed = /Command failed -:(\d+)/.exec(stderr)?.[1];
  const line = failed ? lines[Number(failed) - 1] : lines.join('; ');
  throw new Error(`ip in ${namespace ?? 'the lab'}: ${line}: ${stderr.trim()}`);
}

/** A command in a namespace, to its end; never throws for a bad exit status. */
export function execIn(
  namespace: string,
  argv: readonly string[],
  options: ExecOptions = {},
): Promise<Finished> {
  return exec(['ip', 'netns', 'exec', namespace, ...argv], options);
}

/**
 * A command in a namespace that goes on running, in a process group of its own; its output goes
 * where ours goes.
 */
export function spawnIn(
  namespace: string,
  argv: readonly string[],
  stdio: 'inherit' | 'pipe' | 'ignore' = 'inherit',
) {
  return spawn('ip', ['netns', 'exec', namespace, ...argv], {
    stdio: ['ignore', stdio, stdio],
    detached: true,
  });
}

/** A command in the lab's own namespace, to its end; never throws for a bad exit status. */
export function exec(
  argv: readonly string[],
  { input, timeoutMs }: ExecOptions = {},
): Promise<Finished> {
  const [file = '', ...rest] = argv;
  return new Promise((resolve) => {
    const settings = {
      maxBuffer: 1 << 28,
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    };
    const child = execFile(file, rest, settings, (error, stdout, stderr) => {
      const status = error ? (typeof error.code === 'number' ? error.code : 128) : 0;
      resolve({ status, stdout, stderr: stderr || (error && status === 128 ? error.message : '') });
    });
    child.stdin?.on('error', () => {}); // a command need not read what it is given
    child.stdin?.end(input);
  });
}
