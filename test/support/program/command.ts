/** Runs a command of ours inside the test's process and keeps what it writes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dispatch } from '../../../src/cli/commands.ts';

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCommand(
  words: readonly string[],
  {
    program = 'kube-ipvs',
    env = {},
    stdin = '',
  }: { program?: string; env?: Record<string, string>; stdin?: string } = {},
): Promise<CommandResult> {
  const written = { stdout: '', stderr: '' };
  const exitCode = await dispatch(program, words, {
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env,
    stdin: one(stdin),
  });
  return { exitCode, ...written };
}

async function* one(text: string): AsyncIterable<string> {
  yield text;
}

/** A folder for the files of one test. */
export class Scratch {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Scratch> {
    return new Scratch(await mkdtemp(join(tmpdir(), 'kube-ipvs-')));
  }

  /** @returns the file's path */
  async write(name: string, content: string): Promise<string> {
    const path = join(this.path, name);
    await writeFile(path, content);
    return path;
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true });
  }
}
