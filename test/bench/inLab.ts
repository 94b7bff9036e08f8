/**
 * The lab's side of the benchmarks: runs a proxy, watches the kernel from outside it, and changes
 * objects from in here, so that one clock measures. The lab has one CPU: looking costs the proxy
 * time, so it looks seldom at what takes long.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import {
  type ApiAddress,
  type ClusterObject,
  ClusterObjects,
} from '../support/e2e/clusterObjects.ts';
import { listedAt } from './figures.ts';
import { CROWD, crowdNet, crowdSlice } from './objects.ts';
import {
  allHaveDestinations,
  destinationsOf,
  isComplete,
  serverCount,
  until,
} from './kernelWatch.ts';

let proxy: { readonly child: ChildProcess; readonly ended: Promise<unknown> } | undefined;
/** Kept, because laying a connection costs the lab's CPU twenty milliseconds. */
let objects: ClusterObjects | undefined;

/**
 * What every node of a cluster has before a proxy starts: the chain by which kubelet tells which
 * iptables is in use.
 */
export function prepareNode(): void {
  for (const program of ['iptables', 'ip6tables']) {
    execFileSync(program, ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT']);
  }
}

/** Between two looks from outside, each of which costs the lab's one CPU some milliseconds. */
const LEISURELY_MS = 250;
/** At one or two servers. */
const OFTEN_MS = 20;

/** In ms from the start of the process. */
export interface StartFigures {
  /** until the kernel has every virtual server */
  readonly serversMs: number;
  /**
   * until the proxy says that its first sync is complete: destinations, sets and rules too
   */
  readonly firstSyncMs: number;
  /** until those are complete that the others need */
  readonly criticalMs: number;
  /** the same from when all objects were listed, where the log tells that */
  readonly criticalAfterListsMs?: number;
  readonly peakMiB: number;
}

export interface Start {
  readonly argv: readonly string[];
  /** file to which the proxy's log is added */
  readonly log: string;
  /** how many virtual servers there will be */
  readonly servers: number;
  readonly critical: readonly string[];
}

/**
 * Starts it and waits until the virtual servers are there and the first sync is done; then each has
 * its destinations.
 */
export async function start({ argv, log, servers, critical }: Start): Promise<StartFigures> {
  const out = openSync(log, 'a');
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', out, out] });
  const begin = Date.now();
  proxy = { child, ended: new Promise((resolve) => child.once('exit', resolve)) };
  const since = () => Date.now() - begin;
  const [criticalMs, serversMs] = await Promise.all([
    until(() => areComplete(critical), OFTEN_MS).then(since),
    until(async () => (await serverCount()) >= servers, LEISURELY_MS).then(since),
  ]);
  const syncedAtSec = () => metric('kubeproxy_sync_proxy_rules_last_timestamp_seconds');
  await until(async () => (await syncedAtSec()) > 0, LEISURELY_MS);
  // The proxy's own stamp: asking until it is there would take CPU from it, and tell the time of
  // the answer.
  const firstSyncMs = Math.round((await syncedAtSec()) * 1000) - begin;
  const { peakMiB } = memory();
  if (!(await allHaveDestinations())) throw new Error('synced, and servers lack destinations');
  const listedMs = listedAt(readFileSync(log, 'utf8'), begin);
  const after =
    listedMs === undefined
      ? {}
      : { criticalAfterListsMs: Math.round(begin + criticalMs - listedMs) };
  return { serversMs, firstSyncMs, criticalMs, ...after, peakMiB };
}

export async function stop(): Promise<void> {
  proxy?.child.kill('SIGTERM');
  await proxy?.ended;
  proxy = undefined;
}

/** @returns MiB now and at most, as the kernel accounts them */
export function memory(): { readonly residentMiB: number; readonly peakMiB: number } {
  const status = readFileSync(`/proc/${proxy!.child.pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1024;
  return { residentMiB: Math.round(read('VmRSS')), peakMiB: Math.round(read('VmHWM')) };
}

/** @returns seconds of CPU that it has used */
export function cpuSeconds(): number {
  const fields = readFileSync(`/proc/${proxy!.child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** All of `/metrics`. @throws while it does not answer */
export async function metrics(): Promise<string> {
  return (await fetch('http://127.0.0.1:10249/metrics')).text();
}

/**
 * One sample of `/metrics`; NaN while it does not answer, the largest where there are several
 * series.
 */
export async function metric(name: string): Promise<number> {
  try {
    const values = [
      ...(await metrics()).matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm')),
    ];
    return Math.max(...values.map(([, value]) => Number(value)));
  } catch {
    return NaN;
  }
}

/** ms from the API server's answer to the change until the kernel has it. */
export async function change(
  api: ApiAddress,
  slice: ClusterObject,
  server: string,
  wanted: string,
): Promise<number> {
  await at(api).overwrite(slice);
  return passed(async () => (await destinationsOf(server)).includes(wanted), 1);
}

/** The same of a Service that comes; its slice is there. */
export async function create(api: ApiAddress, service: ClusterObject): Promise<number> {
  const { spec } = await at(api).create(service);
  const { clusterIP } = spec as { readonly clusterIP: string };
  return passed(() => isComplete(`${clusterIP}:80/TCP`), 1);
}

/**
 * The same of all endpoints of the crowd. Reading so many destinations costs the lab some
 * milliseconds each time. The slice is made in here: it is too long for the line to the lab.
 */
export async function replace(
  api: ApiAddress,
  generation: number,
  server: string,
): Promise<number> {
  await at(api).overwrite(crowdSlice(generation));
  const net = crowdNet(generation);
  return passed(async () => {
    const there = await destinationsOf(server);
    return there.length === CROWD && there.every((address) => address.startsWith(net));
  }, OFTEN_MS);
}

function at(api: ApiAddress): ClusterObjects {
  objects ??= new ClusterObjects(api);
  return objects;
}

async function areComplete(servers: readonly string[]): Promise<boolean> {
  for (const server of servers) if (!(await isComplete(server))) return false;
  return true;
}

async function passed(isTrue: () => Promise<boolean>, pauseMs: number): Promise<number> {
  const begin = performance.now();
  await until(isTrue, pauseMs);
  return performance.now() - begin;
}
