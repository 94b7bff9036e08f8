/**
 * A command's own words against its table of flags, with what all commands share: `--help` and how
 * bad input is told.
 */
import { flagHelp } from '../config/flagHelp.ts';
import type { Flag } from '../config/flag.ts';
import { type FlagValues, parseFlags } from '../config/parseFlags.ts';
import { BadInput } from '../inputs/badInput.ts';
import { type Problem, formatProblem } from '../model/problem.ts';
import { EXIT, type Io } from './io.ts';

export interface CommandHelp {
  /** `kube-ipvs plan`, as in usage lines */
  readonly name: string;
  readonly summary: string;
  /** command lines, each with what it does */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  readonly flags: readonly Flag[];
}

export type CommandLine =
  | {
      readonly values: FlagValues;
      /**
       * of the words themselves; the caller adds what it finds wrong and tells all of it together
       */
      readonly problems: readonly Problem[];
    }
  /** help was asked for and given */
  | { readonly values?: never; readonly exitCode: number };

export function readCommandLine(words: readonly string[], help: CommandHelp, io: Io): CommandLine {
  const { values, problems } = parseFlags(words, help.flags);
  if (values.get('help') !== true) return { values, problems };
  io.stdout.write(helpText(help));
  return { exitCode: EXIT.done };
}

/** Every problem on a line of its own. @returns the exit code for bad input */
export function refuse(problems: readonly Problem[], io: Io): number {
  for (const problem of problems) io.stderr.write(`error: ${formatProblem(problem)}\n`);
  return EXIT.badInput;
}

/**
 * @returns the exit code: what `work` says; when it throws, that of bad input with its problems on
 * stderr, else 1 with the reason
 */
export async function reporting(io: Io, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BadInput) return refuse(error.problems, io);
    io.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
}

export function helpText({ name, summary, examples, flags }: CommandHelp): string {
  const lines = examples.map(([command, meaning]) => `  ${command}\n          ${meaning}`);
  return `${summary}\n\nUsage: ${name} [flags]\n\nExamples:\n${lines.join('\n')}\n\n${flagHelp(flags)}\n`;
}
