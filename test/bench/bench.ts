/**
 * `npm run bench`: this proxy beside kube-proxy in the lab, in one run, against a native API
 * server. What is compared is ratios: the lab's kernel makes system calls and forks dear, which
 * flatters whoever makes fewer of them.
 *
 *   npm run bench -- [--services N] [--only kube-ipvs|kube-proxy]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkout } from '../../packaging/machine.mjs';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { Lab } from '../support/lab/lab.ts';
import { findBinary } from '../tools/kubernetes.mjs';
import type * as InLab from './inLab.ts';
import { benchNode, benchNodeStatus, benchService, benchSlice, NODE_NAME } from './objects.ts';

const { values } = parseArgs({
  options: { services: { type: 'string', default: '1000' }, only: { type: 'string' } },
});
const services = Number(values.services);
/** One idle audit of each must fall into it. */
const IDLE_SEC = 40;
const CHANGES = 200;
const PAUSE_MS = 200;

const flags = (kubeconfig: string) => [
  `--kubeconfig=${kubeconfig}`,
  `--hostname-override=${NODE_NAME}`,
  '--proxy-mode=ipvs',
  '--cluster-cidr=10.244.0.0/16',
  '--conntrack-max-per-core=0',
  '--conntrack-tcp-timeout-established=0',
  '--conntrack-tcp-timeout-close-wait=0',
];
const bundle = join(checkout, 'dist', 'kube-ipvs.js');
const [, nodeFlag = ''] = /^#!.* (-\S+)\n/.exec(readFileSync(bundle, 'utf8')) ?? [];
const PROXIES: Readonly<Record<string, readonly string[]>> = {
  // As the first line of the installed program has it.
  'kube-ipvs': ['node', nodeFlag, bundle, 'run', '--v=2'],
  'kube-proxy': [findBinary('kube-proxy') ?? 'kube-proxy'],
};

type Row = Readonly<Record<string, string>>;

const table: Record<string, Row> = {};
for (const [name, command] of Object.entries(PROXIES)) {
  if (values.only === undefined || values.only === name) table[name] = await measure(name, command);
}
console.table(transposed(table));

/** A new API server and a new lab for each, so that neither finds what the other left. */
async function measure(name: string, command: readonly string[]): Promise<Row> {
  const namespace = `bench-${process.pid}`;
  const api = await ApiServer.start({ namespace });
  console.error(`${name}: API server is up, creating ${services} Services`);
  try {
    await createObjects(api);
    const lab = await Lab.start({ namespace, timeoutSec: 1800 });
    try {
      return await measureInLab(name, [...command, ...flags(api.writeKubeconfig('lab'))], api, lab);
    } finally {
      await lab.close();
    }
  } finally {
    await api.stop();
  }
}

async function createObjects(api: ApiServer): Promise<void> {
  const indexes = Array.from({ length: services }, (_, i) => i);
  await api.objects.create(benchNode);
  await api.objects.patch(benchNode, benchNodeStatus, 'status');
  await api.objects.createAll(indexes.map(benchService));
  await api.objects.createAll(indexes.map((index) => benchSlice(index)));
}

async function measureInLab(
  name: string,
  argv: readonly string[],
  api: ApiServer,
  lab: Lab,
): Promise<Row> {
  const log = join(checkout, '.cache', `bench-${name}.log`);
  // The API server's own Service has no endpoints here: it is one more server, of none.
  await inLab(lab, 'prepareNode');
  const first = await inLab(lab, 'start', argv, log, services);
  console.error(`${name}: first sync after ${first.firstSyncMs} ms`);
  const cpuAtFirst = await inLab(lab, 'cpuSeconds');
  const changes = await measureChanges(api, lab);
  const cpuBefore = await inLab(lab, 'cpuSeconds');
  const cpuPerChange = (cpuBefore - cpuAtFirst) / CHANGES;
  await new Promise((resolve) => setTimeout(resolve, IDLE_SEC * 1000));
  const cpuIdle = ((await inLab(lab, 'cpuSeconds')) - cpuBefore) / IDLE_SEC;
  const memory = await inLab(lab, 'memory');
  await inLab(lab, 'stop');
  const again = await inLab(lab, 'start', argv, log, services);
  const writes = await inLab(lab, 'metric', 'kubeipvs_kernel_writes_total');
  await inLab(lab, 'stop');
  return {
    'start → virtual servers (s)': seconds(first.serversMs),
    'start → first sync complete (s)': seconds(first.firstSyncMs),
    'endpoint change → kernel, median (ms)': quantile(changes, 0.5).toFixed(1),
    'endpoint change → kernel, p99 (ms)': quantile(changes, 0.99).toFixed(1),
    'endpoint change → kernel, worst (ms)': Math.max(...changes).toFixed(1),
    'CPU of a change, audits included (ms)': (1000 * cpuPerChange).toFixed(1),
    'idle CPU (% of a core)': (100 * cpuIdle).toFixed(1),
    'resident (peak) (MiB)': `${memory.residentMiB} (${memory.peakMiB})`,
    'restart, nothing changed → first sync (s)': seconds(again.firstSyncMs),
    'kernel writes of that restart': Number.isFinite(writes) ? String(writes) : 'not told',
  };
}

/** Each moves the second endpoint of the next Service to where it has not been. */
async function measureChanges(api: ApiServer, lab: Lab): Promise<readonly number[]> {
  const { labUrl, token, ca } = api;
  const address = { url: labUrl, token, ca };
  const clusterIps = await clusterIpsOf(api);
  const times: number[] = [];
  for (let index = 1; index <= CHANGES; index++) {
    const turn = Math.floor(index / services);
    const slice = benchSlice(index % services, 3 + turn);
    const wanted = (slice['endpoints'] as readonly { addresses: readonly string[] }[])[1]!;
    const server = `${clusterIps.get(`s${index % services}`)}:80/TCP`;
    times.push(await inLab(lab, 'change', address, slice, server, wanted.addresses[0]!));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return times;
}

async function clusterIpsOf(api: ApiServer): Promise<ReadonlyMap<string, string>> {
  const items = await api.objects.list('v1', 'Service');
  return new Map(
    items.map(({ metadata, spec }) => [metadata.name, (spec as { clusterIP: string }).clusterIP]),
  );
}

type Exports = Omit<typeof InLab, 'default'>;

function inLab<Name extends keyof Exports>(
  lab: Lab,
  name: Name,
  ...args: Parameters<Exports[Name]>
): Promise<Awaited<ReturnType<Exports[Name]>>> {
  return lab.call('test/bench/inLab.ts', name, ...(args as never[])) as never;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function quantile(numbers: readonly number[], share: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * share)]!;
}

function transposed(rows: Readonly<Record<string, Row>>): Record<string, Record<string, string>> {
  const result: Record<string, Record<string, string>> = {};
  for (const [name, row] of Object.entries(rows)) {
    for (const [figure, value] of Object.entries(row)) (result[figure] ??= {})[name] = value;
  }
  return result;
}
