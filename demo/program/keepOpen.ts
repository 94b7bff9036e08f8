// What --keep leaves: a shell in the running cluster, with a command for every place in it. Without
// a terminal the commands that were on stdin are run instead.

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../../test/lab/addressPlan.ts';
import type { Cluster } from './cluster.ts';
import { product } from './proxies.ts';
import type { DemoServices } from './services.ts';

export interface Kept {
  readonly cluster: Cluster;
  readonly services: DemoServices;
  /** for the commands; the shell finds it in $DEMO */
  readonly folder: string;
}

/** @returns exit status: 0 without --keep and after a shell; that of the commands otherwise */
export async function keepOpen({ cluster, services, folder }: Kept): Promise<number> {
  const kind = process.env['KUBE_IPVS_DEMO_KEEP'];
  if (kind === undefined) return 0;
  const { nodes, pods, outside } = cluster.topology;
  const PATH = `${writeCommands(join(folder, 'bin'), [...nodes, ...pods, outside], services)}:${process.env['PATH']}`;
  const env = { ...process.env, PATH, DEMO: folder, PS1: 'demo:\\w\\$ ' };
  if (kind === 'commands') {
    const commands = process.env['KUBE_IPVS_DEMO_COMMANDS'] ?? '';
    if (commands.trim() === '')
      process.stdout.write('no terminal and no commands on stdin: ending\n');
    return ended(['bash', '-c', commands], env);
  }
  process.stdout.write(hints(services));
  // The terminal of the lab kernel does not know how large it is.
  const size = process.env['COLUMNS'] ? 'stty cols "$COLUMNS" rows "$LINES"; ' : '';
  await ended(['sh', '-c', `${size}exec bash --norc -i`], env);
  return 0;
}

function hints(services: DemoServices): string {
  const tries = [
    [
      'client curl -s 10.96.0.10',
      'a command in a place: node1, node2, client, web-1, web-2, outside',
    ],
    ['outside curl -s 192.0.2.11:30080', 'a NodePort from outside'],
    ['node1 kube-ipvs list -n --stats', 'the virtual servers of node1, with counters'],
    ['node1 ipvsadm -Lnc', 'the connections through them'],
    ['node1 iptables-save -c -t nat', 'the rules, which never change with the Services'],
    ['node1 ipset list KUBE-CLUSTER-IP', 'the sets they match'],
    ['node1 curl -s localhost:10249/metrics', 'metrics of the proxy'],
    [services.hint, services.hintSays],
    ['tail -f $DEMO/node1.log', 'what the proxy of node1 says'],
    ['exit', 'ends it all'],
  ];
  const width = Math.max(...tries.map(([command]) => command!.length));
  const lines = tries.map(([command, what]) => `   ${command!.padEnd(width)}   # ${what}`);
  return `   The cluster is still there. Try:\n${lines.join('\n')}\n\n`;
}

/** @returns the folder of the commands, to go first in PATH */
function writeCommands(folder: string, places: readonly Place[], services: DemoServices): string {
  mkdirSync(folder);
  const write = (name: string, line: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  };
  for (const { name } of places) write(name, `exec ip netns exec ${name} "$@"`);
  write('kube-ipvs', `exec ${process.execPath} ${product} "$@"`);
  for (const [name, line] of Object.entries(services.commands)) write(name, line);
  return folder;
}

function ended(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [file = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, { stdio: 'inherit', env });
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
}
