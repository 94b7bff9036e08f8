/** What the `lb` commands about a running load balancer share: whom they ask, and how. */
import type { Flag } from '../../config/flag.ts';
import { RUN_FLAGS } from '../../config/flags.ts';
import { type FlagValues, parseFlags } from '../../config/parseFlags.ts';
import { LOAD_BALANCER_PATH, type LoadBalancerReport } from '../../loadbalancer/announcerPaths.ts';
import { AGENT_SOCKET } from '../../localserver/serverLines.ts';
import type { Problem } from '../../model/problem.ts';
import { askAgent, UnknownPathError } from '../agentRequest.ts';
import { type CommandHelp, helpText, refuse } from '../commandLine.ts';
import { EXIT, type Io } from '../io.ts';
import { apart } from '../wordsAndFlags.ts';

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

/**
 * Words and flags in any order.
 *
 * @param judge what is wrong with the words; told with what is wrong with the flags
 */
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

export async function readReport(values: FlagValues): Promise<LoadBalancerReport> {
  const text = await asked({ socketPath: socketOf(values), path: LOAD_BALANCER_PATH });
  return JSON.parse(text) as LoadBalancerReport;
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
