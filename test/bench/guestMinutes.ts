/**
 * What one node asks of the API server in its first ten minutes of a large cluster, in requests and
 * bytes of answers: N Services with an EndpointSlice each, M Nodes that kubelets renew every five
 * minutes, at a real kube-apiserver. Our own source, what it was like when it watched every Node,
 * and the real kube-proxy (mode nftables), each by a counter of its own, at the same time. In a
 * network namespace of its own, where kube-proxy programs nothing of this machine:
 *
 *     unshare -n node_modules/.bin/node test/bench/guestMinutes.ts \
 *       [--services N] [--nodes M] [--minutes T]
 *
 * Writes a table as docs/api-server.md has it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ApiServerSource } from '../../src/cluster/apiServerSource.ts';
import { ApiClient } from '../../src/cluster/client.ts';
import { loadClusterAccess } from '../../src/cluster/kubeconfig.ts';
import { ClusterStore } from '../../src/model/clusterStore.ts';
import { ALL_KINDS, type AnyKind, NO_NEEDS } from '../../src/model/kinds.ts';
import { SystemClock } from '../../src/ops/clock.ts';
import { ApiServer } from '../support/e2e/apiServer.ts';
import { findBinary } from '../tools/kubernetes.mjs';
import { CountingGate } from './countingGate.ts';
import { heartbeat, kubeletNode, nodeName } from './kubeletNode.ts';
import { benchService, benchSlice } from './objects.ts';

/** Of kubelets: `nodeStatusReportFrequency`. */
const HEARTBEAT_MS = 300_000;

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '1000' },
    nodes: { type: 'string', default: '5000' },
    minutes: { type: 'string', default: '10' },
  },
});
const [services, nodes] = [Number(values.services), Number(values.nodes)];
const minutes = Number(values.minutes);
const clock = new SystemClock();

interface Guest {
  readonly name: string;
  readonly gate: CountingGate;
  /** @returns ends it */
  readonly start: (master: string) => Promise<() => Promise<void>>;
  /** bytes and requests of the start */
  begun?: { readonly requests: number; readonly bytes: number };
}

execFileSync('ip', ['link', 'set', 'lo', 'up']);
const plane = await ApiServer.start();
const everyNodeWhole = ALL_KINDS.map((kind): AnyKind =>
  kind.kind === 'Node' ? { ...kind, selectors: () => ({}) } : kind,
);
const guests: Guest[] = [
  guest('every Node watched whole: before', (master) => readAll(master, everyNodeWhole)),
  guest('kube-proxy', startKubeProxy),
  guest('**now**', (master) => readAll(master)),
];
try {
  await fill();
  const ending = new AbortController();
  const renewing = renew(ending.signal);
  const running: (() => Promise<void>)[] = [];
  for (const each of guests) running.push(await each.start(await each.gate.start()));
  await sleep(60_000);
  for (const each of guests) {
    const { requests, bytes } = each.gate;
    each.begun = { requests, bytes };
  }
  say('a minute has passed');
  await sleep((minutes - 1) * 60_000);
  const counts = guests.map(({ gate: { requests, bytes } }) => ({ requests, bytes }));
  for (const end of running) await end();
  ending.abort();
  say(`${await renewing} heartbeats in ${minutes} minutes`);
  printTable(counts);
} finally {
  for (const { gate } of guests) gate.stop();
  await plane.stop();
}

function guest(name: string, start: Guest['start']): Guest {
  return { name, gate: new CountingGate(plane), start };
}

async function fill(): Promise<void> {
  const indexes = (count: number) => Array.from({ length: count }, (_, index) => index);
  say(`creating ${services} Services and ${nodes} Nodes`);
  await plane.objects.createAll(indexes(services).map((index) => benchService(index)));
  await plane.objects.createAll(
    indexes(services).map((index) => benchSlice(index, { services, endpoints: 2 })),
  );
  await plane.objects.createAll(indexes(nodes).map((index) => kubeletNode(index, new Date())));
}

/** Each Node once in five minutes, one after the other. @returns how many times */
async function renew(signal: AbortSignal): Promise<number> {
  const stepMs = HEARTBEAT_MS / nodes;
  const beginMs = performance.now();
  const pending = new Set<Promise<unknown>>();
  let count = 0;
  for (; !signal.aborted; count++) {
    const node = kubeletNode(count % nodes);
    const patched = plane.objects.patch(node, heartbeat(new Date()), 'status');
    pending.add(patched.finally(() => pending.delete(patched)));
    const aheadMs = beginMs + (count + 1) * stepMs - performance.now();
    if (aheadMs > 0) await sleep(aheadMs, undefined, { signal }).catch(() => undefined);
  }
  await Promise.all(pending);
  return count;
}

async function readAll(master: string, kinds?: readonly AnyKind[]): Promise<() => Promise<void>> {
  const access = loadClusterAccess({ master, env: {} });
  const userAgent = 'kube-ipvs/bench';
  const client = new ApiClient({ access, userAgent, qps: -1, burst: 0, timing: clock });
  const source = new ApiServerSource({
    transport: client,
    server: access.server,
    timing: clock,
    scope: { nodeName: nodeName(0), needs: NO_NEEDS },
    ...(kinds === undefined ? {} : { kinds }),
    random: Math.random,
    log: say,
  });
  const store = new ClusterStore();
  await source.start({
    store,
    onChange: () => undefined,
    onSynced: () => {
      if (store.services.size < services) throw new Error(`${store.services.size} Services`);
    },
    onProblems: () => undefined,
    onStatus: ({ detail }) => say(detail),
  });
  return async () => {
    say(`${store.nodes.size} Nodes are held`);
    await source.stop();
    client.close();
  };
}

/** It programs the nftables of this network namespace. */
function startKubeProxy(master: string): Promise<() => Promise<void>> {
  const binary = findBinary('kube-proxy');
  if (binary === undefined) throw new Error('no kube-proxy: run npm test -- e2e, which builds it');
  const config = join(plane.folder, 'kube-proxy-kubeconfig');
  const cluster = { name: 'gate', cluster: { server: master } };
  const contexts = [{ name: 'gate', context: { cluster: 'gate', user: '' } }];
  const file = { apiVersion: 'v1', kind: 'Config', 'current-context': 'gate', contexts };
  writeFileSync(config, JSON.stringify({ ...file, clusters: [cluster] }));
  const argv = [`--kubeconfig=${config}`, `--hostname-override=${nodeName(0)}`];
  const flags = ['--proxy-mode=nftables', '--cluster-cidr=10.0.0.0/8'];
  const child = spawn(binary, [...argv, ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
  return Promise.resolve(() => endOf(child));
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error(`kube-proxy ended by itself: ${child.exitCode}`);
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  child.kill();
  await promise;
}

function printTable(counts: readonly { readonly requests: number; readonly bytes: number }[]) {
  const ofProxy = counts[1]!;
  const columns = ['way', 'requests', 'bytes', 'first minute', 'later', "bytes to kube-proxy's"];
  console.log(`| ${columns.join(' | ')} |\n|${' --- |'.repeat(columns.length)}`);
  for (const [index, { name, begun }] of guests.entries()) {
    const { requests, bytes } = counts[index]!;
    const numbers = [requests, bytes, begun!.bytes, bytes - begun!.bytes];
    const texts = numbers.map((number) => number.toLocaleString('en'));
    console.log(`| ${[name, ...texts, (bytes / ofProxy.bytes).toFixed(2)].join(' | ')} |`);
  }
}

function say(text: string): void {
  console.error(text);
}
