/** `kube-ipvs version`: what runs here, for bug reports: program, Node, addon, kernel, IPVS. */
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { RUN_FLAGS } from '../config/flags.ts';
import { type CommandHelp, readCommandLine, refuse } from './commandLine.ts';
import { EXIT, type Io } from './io.ts';
import { OUTPUT_FLAG, outputFormat } from './outputFormat.ts';
import { VERSION } from './packageVersion.ts';
import { render } from './render.ts';

export interface Versions {
  readonly version: string;
  readonly node: string;
  /** `loaded`, or why it cannot be */
  readonly addon: string;
  readonly kernel: string;
  /** `1.2.1`, or why it cannot be told */
  readonly ipvs: string;
}

const HELP: CommandHelp = {
  name: 'kube-ipvs version',
  summary: 'Prints the versions of this program and of what it stands on.',
  examples: [
    ['kube-ipvs version', 'one line each'],
    ['kube-ipvs version -o json', 'for programs'],
  ],
  flags: [OUTPUT_FLAG, RUN_FLAGS.find(({ name }) => name === 'help')!],
};

export async function version(words: readonly string[], io: Io): Promise<number> {
  const line = readCommandLine(words, HELP, io);
  if (!line.values) return line.exitCode;
  const { format, problems } = outputFormat(line.values);
  if (line.problems.length + problems.length > 0)
    return refuse([...line.problems, ...problems], io);
  const versions = await readVersions();
  io.stdout.write(format === 'text' ? versionText(versions) : render(versions, format));
  return EXIT.done;
}

function versionText({ version: own, node, addon, kernel, ipvs }: Versions): string {
  return `kube-ipvs ${own}\nnode      ${node}\naddon     ${addon}\nkernel    ${kernel}\nipvs      ${ipvs}\n`;
}

export async function readVersions(): Promise<Versions> {
  return {
    version: VERSION,
    node: process.versions.node,
    addon: await addonState(),
    kernel: release(),
    ipvs: await ipvsVersion(),
  };
}

async function addonState(): Promise<string> {
  try {
    const { openSocket } = await import('../kernel/addon.ts');
    const { NETLINK_GENERIC } = await import('../netlink/constants.ts');
    openSocket({ protocol: NETLINK_GENERIC }).close();
    return 'loaded';
  } catch (error) {
    return (error as Error).message;
  }
}

/** The module prints it; reading does not load the module. */
async function ipvsVersion(): Promise<string> {
  try {
    const listing = await readFile('/proc/net/ip_vs', 'utf8');
    return /version (\d+\.\d+\.\d+)/.exec(listing)?.[1] ?? 'unknown';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'not loaded (modprobe ip_vs)' : message;
  }
}
