/**
 * One command line of ipvsadm 1.31 as a request: the first option is the command; options are
 * checked one by one in their order, then together, then what they say. Names of hosts and ports
 * are asked for where they are met, in that order too.
 */
import { changeFrom, listFrom, timeoutsFrom } from './conclude.ts';
import { Draft } from './draft.ts';
import { ALL_OPTIONS, checkCommandOptions, type IpvsadmOption } from './optionTable.ts';
import {
  type BadOption,
  type CommandLine,
  type FoundOption,
  optionIndex,
  readCommandLine,
} from './popt.ts';
import type { IpvsadmRequest, Refusal } from './request.ts';
import { BadValue, type KnownNames } from './values.ts';

export type ReadLine = CommandLine<IpvsadmOption>;

const INDEX = optionIndex(ALL_OPTIONS);

export function readOptions(argv: readonly string[]): ReadLine {
  return readCommandLine(argv, INDEX);
}

/** @param program as messages call it */
export function requestFrom(
  line: ReadLine,
  names: KnownNames,
  program: string,
): IpvsadmRequest | Refusal {
  const [first, ...others] = line.options;
  const command = first?.spec.command;
  if (first === undefined || command === undefined) return refusedWithHint(program);
  if (command === 'help' || command === 'version') return { command };
  try {
    return withOptions(first, others, line, names);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    return { command: 'refused', exitCode: 2, message: error.message, isFinal: true };
  }
}

/** @throws BadValue */
function withOptions(
  first: FoundOption<IpvsadmOption>,
  others: readonly FoundOption<IpvsadmOption>[],
  { rest, bad }: ReadLine,
  names: KnownNames,
): IpvsadmRequest | Refusal {
  const command = first.spec.command as Exclude<
    IpvsadmOption['command'],
    'help' | 'version' | undefined
  >;
  const draft = new Draft(names);
  if (command === 'start-daemon') {
    draft.setDaemonState(first.value ?? '', 'illegal start-daemon parameter specified');
  }
  if (command === 'stop-daemon') {
    draft.setDaemonState(first.value ?? '', 'illegal start_daemon specified');
  }
  for (const { spec, value, word } of others) {
    if (spec.command !== undefined) throw new BadValue(`invalid option \`${word}'`);
    draft.take(spec, value);
  }
  if (bad !== undefined) return refusedOption(bad);
  const timeouts = command === 'set' ? timeoutsFrom(rest) : undefined;
  const unexpected = rest[command === 'set' ? 3 : 0];
  if (unexpected !== undefined) throw new BadValue(`unexpected argument ${unexpected}`);
  draft.settleSchedulerFlags();
  const problem = checkCommandOptions(command, draft.given);
  if (problem !== undefined) throw new BadValue(problem);
  switch (command) {
    case 'list':
      return listFrom(draft);
    case 'save':
      return { command, isNumeric: draft.given.has('numeric') };
    case 'restore':
      return { command };
    default:
      return changeFrom(command, draft, timeouts);
  }
}

export function refusedWithHint(program: string): Refusal {
  const message = `Try \`${program} -h' or '${program} --help' for more information.`;
  return { command: 'refused', exitCode: 255, message, isFinal: true };
}

function refusedOption({ word, problem }: BadOption): Refusal {
  return { command: 'refused', exitCode: 255, message: `${word}: ${problem}`, isFinal: false };
}
