/**
 * One command line given to the real kube-proxy and to this program under its name, with
 * `--write-config-to`: the exit code of each, and what each wrote.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { runCommand } from '../program/command.ts';

export interface Outcome {
  readonly exitCode: number;
  /** absent where nothing was written */
  readonly written?: unknown;
  /** for who reads a failed test */
  readonly stderr: string;
}

export interface Outcomes {
  readonly theirs: Outcome;
  readonly ours: Outcome;
}

/** Words of a command line, or the text of a configuration file. */
export type Given = { readonly words: readonly string[] } | { readonly file: string };

/** @param kubeProxy path of the program */
export async function outcomesOf(kubeProxy: string, given: Given): Promise<Outcomes> {
  const folder = await mkdtemp(join(tmpdir(), 'both-'));
  try {
    const words = await wordsOf(given, folder);
    const to = (name: string) => [...words, `--write-config-to=${join(folder, name)}`];
    const theirs = await runReal(kubeProxy, to('theirs'));
    const ours = await runCommand(to('ours'), { program: 'kube-proxy' });
    return {
      theirs: { ...theirs, ...(await writtenTo(join(folder, 'theirs'))) },
      ours: { ...ours, ...(await writtenTo(join(folder, 'ours'))) },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function wordsOf(given: Given, folder: string): Promise<readonly string[]> {
  if ('words' in given) return ['--proxy-mode=ipvs', ...given.words];
  const path = join(folder, 'config.yaml');
  await writeFile(path, given.file);
  return [`--config=${path}`];
}

async function writtenTo(path: string): Promise<Pick<Outcome, 'written'>> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? {} : { written: parse(text) };
}

function runReal(program: string, words: readonly string[]): Promise<Outcome> {
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'], env: {} });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // Its whole help comes before what is wrong.
    child.once('close', (code) => resolve({ exitCode: code ?? -1, stderr: stderr.slice(-500) }));
  });
}
