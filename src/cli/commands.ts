/**
 * Which command was asked for, by the program's name (`kube-proxy`, `ipvsadm`) or the first word. A
 * command's module is loaded when it is called and not before, so that `list` does not pay for the
 * API client.
 */
import { suggestion } from '../config/suggest.ts';
import { EXIT, type Io } from './io.ts';

interface Command {
  readonly name: string;
  readonly summary: string;
  /** @param program the name that it was called by, where that stands for the command */
  readonly run: (words: readonly string[], io: Io, program?: string) => Promise<number>;
}

const COMMANDS: readonly Command[] = [
  {
    name: 'run',
    summary: 'the proxy; also without a command, and when called as kube-proxy',
    run: async (words, io, program) => (await import('./run.ts')).run(words, io, program),
  },
  {
    name: 'list',
    summary: 'the virtual servers in the kernel, as ipvsadm lists them, and their Services',
    run: async (words, io) => (await import('./list.ts')).list(words, io),
  },
  {
    name: 'ipvsadm',
    summary: 'all of ipvsadm, changes too; also when called as ipvsadm',
    run: async (words, io, program) =>
      (await import('./ipvsadm.ts')).ipvsadm(
        words,
        program === undefined ? io : { ...io, program },
      ),
  },
  {
    name: 'plan',
    summary: 'what the proxy would do, touching nothing; offline too',
    run: async (words, io) => (await import('./plan.ts')).plan(words, io),
  },
  {
    name: 'config',
    summary: 'checks configuration files before a proxy reads them',
    run: async (words, io) => (await import('./config.ts')).config(words, io),
  },
  {
    name: 'lb',
    summary:
      'the load balancer, offline: what it would do, and its configuration of what others have',
    run: async (words, io) => (await import('./lb.ts')).lb(words, io),
  },
  {
    name: 'cleanup',
    summary: 'removes what the proxy has programmed, and puts sysctls back',
    run: async (words, io) => (await import('./cleanup.ts')).cleanup(words, io),
  },
  {
    name: 'version',
    summary: 'the versions of this program and of what it stands on',
    run: async (words, io) => (await import('./version.ts')).version(words, io),
  },
];

/** Other names of the program and the command that they mean. */
const PROGRAM_NAMES: Readonly<Record<string, string>> = { 'kube-proxy': 'run', ipvsadm: 'ipvsadm' };

/**
 * @param programName last part of the path that the program was called by, without an extension
 * @param words what followed it
 * @returns the exit code
 */
export async function dispatch(
  programName: string,
  words: readonly string[],
  io: Io,
): Promise<number> {
  const fixed = PROGRAM_NAMES[programName];
  if (fixed !== undefined) {
    const code = await command(fixed)!.run(words, io, programName);
    // Of bad input and failures kube-proxy makes no difference, and who calls it looks for 1.
    return programName === 'kube-proxy' && code === EXIT.badInput ? EXIT.failed : code;
  }
  const [first = '', ...rest] = words;
  if (first === 'help' || ((first === '--help' || first === '-h') && rest.length === 0)) {
    return showHelp(rest, io);
  }
  if (first === '' || first.startsWith('-')) return command('run')!.run(words, io);
  const chosen = command(first);
  if (chosen) return chosen.run(rest, io);
  const names = COMMANDS.map(({ name }) => name);
  const hint = suggestion(first, names);
  io.stderr.write(`error: unknown command ${first}${hint}; there are ${names.join(', ')}\n`);
  return EXIT.badInput;
}

function command(name: string): Command | undefined {
  return COMMANDS.find((each) => each.name === name);
}

/** `help COMMAND` is `COMMAND --help`; without one, the commands and then the flags of run. */
async function showHelp(names: readonly string[], io: Io): Promise<number> {
  if (names.length > 0) return dispatch('kube-ipvs', [...names, '--help'], io);
  const lines = COMMANDS.map((each) => `  ${each.name.padEnd(10)}${each.summary}`);
  io.stdout.write(
    `kube-ipvs proxies Kubernetes Services with IPVS.\n\nUsage: kube-ipvs [command] [flags]\n\n` +
      `Commands (each has --help):\n${lines.join('\n')}\n\nWithout a command:\n\n`,
  );
  return command('run')!.run(['--help'], io);
}
