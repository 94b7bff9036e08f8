/**
 * The real ipvsadm as an oracle: runs command lines in a network namespace, many in one process,
 * since forks are dear in the lab; and ours beside it, in this process.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ipvsadm } from '../../../src/cli/ipvsadm.ts';
import type { Namespace } from '../lab/namespace.ts';

export type OracleNamespace = Pick<Namespace, 'name' | 'networkNamespacePath'>;

const exec = promisify(execFile);

export interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface Command {
  readonly argv: readonly string[];
  readonly stdin?: string;
}

export const REAL_IPVSADM = '/sbin/ipvsadm';

/**
 * @param binary a changed copy of it, say
 * @param etc files that stand in for those of this name in /etc meanwhile
 */
export async function realAnswers(
  namespace: OracleNamespace,
  commands: readonly Command[],
  binary = 'ipvsadm',
  etc: Readonly<Record<string, string>> = {},
): Promise<Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'oracle-'));
  try {
    const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
    const script = ['export PATH=$PATH:/sbin:/usr/sbin', `cd ${folder}`];
    script.push(...(await mountLines(folder, etc)));
    for (const [i, { argv, stdin }] of commands.entries()) {
      if (stdin !== undefined) await writeFile(join(folder, `${i}.in`), stdin);
      const input = stdin === undefined ? '/dev/null' : `${i}.in`;
      const words = argv.map(quoted).join(' ');
      script.push(`${binary} ${words} <${input} >${i}.out 2>${i}.err; echo $? >${i}.code`);
    }
    await writeFile(join(folder, 'script'), `${script.join('\n')}\n`);
    await exec('ip', ['netns', 'exec', namespace.name, 'sh', join(folder, 'script')]);
    const read = (name: string) => readFile(join(folder, name), 'utf8');
    return await Promise.all(
      commands.map(async (_, i) => ({
        stdout: await read(`${i}.out`),
        stderr: await read(`${i}.err`),
        exitCode: Number(await read(`${i}.code`)),
      })),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Ours under the same files, all command lines in one process. */
export async function ourAnswersUnder(
  { name }: OracleNamespace,
  commands: readonly Command[],
  etc: Readonly<Record<string, string>>,
): Promise<Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ours-'));
  try {
    await writeFile(join(folder, 'commands'), JSON.stringify(commands));
    const runner = join(import.meta.dirname, 'ipvsadmRunner.ts');
    const words = [process.execPath, '--disable-warning=ExperimentalWarning', runner, name];
    const script = [
      `cd ${folder}`,
      ...(await mountLines(folder, etc)),
      `exec ${words.join(' ')} commands`,
    ];
    await writeFile(join(folder, 'script'), `${script.join('\n')}\n`);
    const argv = ['netns', 'exec', name, 'sh', join(folder, 'script')];
    const { stdout } = await exec('ip', argv);
    return JSON.parse(stdout) as Answer[];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** `ip netns exec` gives a script mounts of its own. */
async function mountLines(
  folder: string,
  etc: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const names = Object.keys(etc);
  for (const name of names) await writeFile(join(folder, name), etc[name]!);
  return names.map((name) => `mount --bind ${name} /etc/${name}`);
}

export async function ourAnswer(
  { networkNamespacePath }: OracleNamespace,
  { argv, stdin = '' }: Command,
  connectionTable?: string,
): Promise<Answer> {
  const chunks = { stdout: '', stderr: '' };
  const collect = (name: keyof typeof chunks) => ({
    write: (text: string) => {
      chunks[name] += text;
    },
  });
  const exitCode = await ipvsadm(argv, {
    stdout: collect('stdout'),
    stderr: collect('stderr'),
    stdin: pieces(stdin),
    program: 'ipvsadm',
    networkNamespacePath,
    ...(connectionTable !== undefined && { connectionTable }),
  });
  return { ...chunks, exitCode };
}

/**
 * The help is in our own words: of both programs' only the version line and the options that it
 * names are compared.
 */
export function withoutHelpWords(answer: Answer): Answer {
  const { stdout } = answer;
  const at = stdout.indexOf('Usage:');
  if (at < 0) return answer;
  const options = stdout.slice(at).match(/--[a-z][a-z0-9-]*/g) ?? [];
  return { ...answer, stdout: `${stdout.slice(0, at)}${[...new Set(options)].sort().join(' ')}` };
}

/** Cut where a pipe might cut. */
async function* pieces(text: string): AsyncGenerator<string> {
  const size = Math.ceil(text.length / 2);
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}
