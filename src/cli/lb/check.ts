/**
 * `kube-ipvs lb check`: whether this node can announce addresses and hears the others, a line for
 * each thing that has to be right, with what to do where it is not.
 */
import { readFile } from 'node:fs/promises';
import { type CheckedThing, checkReport } from '../../loadbalancer/announcer/check.ts';
import { type CommandHelp, reporting } from '../commandLine.ts';
import { EXIT, type Io } from '../io.ts';
import { AGENT_FLAGS, readReport, readRunningLine } from './running.ts';

const HELP: CommandHelp = {
  name: 'kube-ipvs lb check',
  summary:
    'Checks on this node what announcing load balancer addresses needs: interfaces, sysctls, heartbeats both ways with every ' +
    'other node, one configuration and one key on all of them. Exit code 1 when something is wrong, with what to do.',
  examples: [['kube-ipvs lb check', 'in the pod of the proxy, or on the node']],
  flags: AGENT_FLAGS,
};

const SYSCTLS = ['arp_ignore', 'arp_announce'] as const;

export async function lbCheck(typed: readonly string[], io: Io): Promise<number> {
  const line = readRunningLine(typed, HELP, io, (_, words) =>
    words.map((value) => ({ path: 'lb check', value, problem: 'takes no arguments' })),
  );
  if (!line.values) return line.exitCode;
  const { values } = line;
  return reporting(io, async () => {
    const things = checkReport(await readReport(values), await readSysctls());
    for (const thing of things) io.stdout.write(thingLine(thing));
    return things.some(({ cure }) => cure !== undefined) ? EXIT.failed : EXIT.done;
  });
}

function thingLine({ what, found, cure }: CheckedThing): string {
  return cure === undefined ? `ok     ${what}: ${found}\n` : `wrong  ${what}: ${found}: ${cure}\n`;
}

async function readSysctls(): Promise<Readonly<Record<string, string | undefined>>> {
  const read = SYSCTLS.map(async (name) => {
    const text = await readFile(`/proc/sys/net/ipv4/conf/all/${name}`, 'utf8').catch(() => '');
    return [name, text.trim() || undefined] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}
