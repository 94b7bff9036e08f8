/** What the `lb` commands about a running load balancer share: whom they ask, and how. */
import type { Flag } from '../../config/flag.ts';
import { RUN_FLAGS } from '../../config/flags.ts';
import { type FlagValues, parseFlags } from '../../config/parseFlags.ts';
import type { ThreadReport } from '../../loadbalancer/announcer/messages.ts';
import { LOAD_BALANCER_PATH } from '../../loadbalancer/announcerPaths.ts';
import { AGENT_SOCKET } from '../../localserver/serverLines.ts';
import type { Problem } from '../../model/problem.ts';
import { askAgent, UnknownPathError } from '../agentRequest.ts';
import { type CommandHelp, helpText, refuse } from '../commandLine.ts';
import { EXIT, type Io } from '../io.ts';

export const AGENT_FLAGS: readonly Flag[] = [
  {
    name: 'agent-socket',
    type: 'string',
    value: 'PATH',
    default: AGENT_SOCKET,
    group: 'source',
    help: 'local socket of the proxy on this node',
  },
  RUN_FLAGS.find(({ name }) => name === 'help')!,
];

export type RunningLine =
  | { readonly values: FlagValues; readonly words: readonly string[] }
  | { readonly values?: never; readonly exitCode: number };

/** Words and flags in any order. @param valued names of flags that take a value, `-o` too */
export function readRunningLine(
  typed: readonly string[],
  help: CommandHelp,
  io: Io,
  judge: (values: FlagValues, words: readonly string[]) => readonly Problem[],
): RunningLine {
  const { words, flagWords } = apart(typed, help.flags);
  const { values, problems } = parseFlags(flagWords, help.flags);
  if (values.get('help') === true) {
    io.stdout.write(helpText(help));
    return { exitCode: EXIT.done };
  }
  const wrong = [...problems, ...judge(values, words)];
  return wrong.length > 0 ? { exitCode: refuse(wrong, io) } : { values, words };
}

export function socketOf(values: FlagValues): string {
  return (values.get('agent-socket') ?? AGENT_SOCKET) as string;
}

export async function readReport(values: FlagValues): Promise<ThreadReport> {
  const text = await asked({ socketPath: socketOf(values), path: LOAD_BALANCER_PATH });
  return JSON.parse(text) as ThreadReport;
}

/** @throws Error with what to do */
export async function asked(request: Parameters<typeof askAgent>[0]): Promise<string> {
  try {
    return await askAgent(request);
  } catch (error) {
    if (!(error instanceof UnknownPathError)) throw error;
    const hint =
      'the proxy on this node announces no addresses: its --features name no LoadBalancerConfiguration, or announcer.enabled is false';
    throw new Error(hint, { cause: error });
  }
}

/** @returns the exit code: 1 with the reason on stderr when `work` throws */
export async function reporting(io: Io, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    io.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
}

function apart(typed: readonly string[], flags: readonly Flag[]) {
  const words: string[] = [];
  const flagWords: string[] = [];
  const valued = new Set(
    flags
      .filter(({ type }) => type !== 'bool')
      .flatMap(({ name, shorthand }) => [`--${name}`, ...(shorthand ? [`-${shorthand}`] : [])]),
  );
  let isValue = false;
  for (const word of typed) {
    if (isValue || word.startsWith('-')) flagWords.push(word);
    else words.push(word);
    isValue = !isValue && valued.has(word);
  }
  return { words, flagWords };
}
