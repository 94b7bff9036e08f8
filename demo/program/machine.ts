// The demo's part on the machine itself, around the lab: with --api etcd and kube-apiserver, which
// run natively, and then the lab with main.ts in it. Decides how the lab is started; what happens
// inside is main.ts's.

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { checkout } from '../../packaging/machine.mjs';
import { ApiServer } from '../../test/support/e2e/apiServer.ts';
import { parseOptions } from './options.mjs';

const options = parseOptions(process.argv.slice(2));
const hasTerminal = process.stdin.isTTY;

/** Longer than any demo takes; a shell may stay open for ever. */
const timeLimitSec = options.keep && hasTerminal ? 0 : 600;

async function main(): Promise<number> {
  // Without a terminal the lab has no stdin: what is on ours goes in as a variable.
  const commands = options.keep && !hasTerminal ? await text(process.stdin) : '';
  const keep = options.keep ? [`KUBE_IPVS_DEMO_KEEP=${hasTerminal ? 'shell' : 'commands'}`] : [];
  const variables = [...keep, `KUBE_IPVS_DEMO_COMMANDS=${commands}`, ...terminalSize()];
  if (!options.api) return runLab(variables);

  const namespace = `demo${process.pid}`;
  const began = Date.now();
  const api = await ApiServer.start({ namespace });
  try {
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    process.stdout.write(`== etcd and kube-apiserver are ready after ${seconds} s\n`);
    const kubeconfig = `KUBE_IPVS_DEMO_KUBECONFIG=${api.writeKubeconfig('lab')}`;
    return await runLab([...variables, kubeconfig], ['--netns', namespace]);
  } finally {
    await api.stop();
  }
}

function terminalSize(): string[] {
  const { columns, rows } = process.stdout;
  return columns === undefined ? [] : [`COLUMNS=${columns}`, `LINES=${rows}`];
}

function runLab(variables: readonly string[], labOptions: readonly string[] = []): Promise<number> {
  const lab = join(checkout, 'test', 'lab', 'run.mjs');
  const argv = [
    lab,
    ...labOptions,
    ...(timeLimitSec === 0 ? ['--tty'] : []),
    '--timeout',
    String(timeLimitSec),
    ...variables.flatMap((variable) => ['--env', variable]),
    '--',
    'node',
    '--disable-warning=ExperimentalWarning',
    'demo/program/main.ts',
  ];
  const child = spawn(process.execPath, argv, { cwd: checkout, stdio: 'inherit' });
  // The lab ends itself at a signal; it must be gone before what stands around it is taken down.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
}

process.exitCode = await main();
