/**
 * The lab's side of the benchmarks: runs a proxy, watches the kernel from outside it, and changes
 * objects from in here, so that one clock measures. The lab has one CPU: looking costs the proxy
 * time, so it looks seldom at what takes long.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GenericSocket } from '../../src/kernel/genlFamily.ts';
import { IpvsListing } from '../../src/kernel/ipvsListing.ts';
import { IpvsClient } from '../../src/kernel/ipvsClient.ts';
import { identityOfKey } from '../../src/kernel/ipvsServer.ts';
import { openSocket } from '../../src/kernel/addon.ts';
import { IPVS_GENL_NAME } from '../../src/netlink/constants.ts';
import { encodeDumpServices } from '../../src/netlink/ipvsRequests.ts';
import {
  type ApiAddress,
  type ClusterObject,
  ClusterObjects,
} from '../support/e2e/clusterObjects.ts';

let proxy: { readonly child: ChildProcess; readonly ended: Promise<unknown> } | undefined;
const ipvs = new IpvsListing();
const whole = new IpvsClient();
const counting = new GenericSocket(IPVS_GENL_NAME, {}, openSocket);

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

export interface StartFigures {
  /** ms from the start of the process until the kernel has every virtual server */
  readonly serversMs: number;
  /**
   * ms from the start of the process until the proxy says that its first sync is complete:
   * destinations, sets and rules too
   */
  readonly firstSyncMs: number;
}

/**
 * Starts it and waits until `servers` virtual servers are there and the first sync is done; then
 * each has its destinations.
 */
export async function start(
  argv: readonly string[],
  log: string,
  servers: number,
): Promise<StartFigures> {
  const out = openSync(log, 'a');
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', out, out] });
  const begin = Date.now();
  proxy = { child, ended: new Promise((resolve) => child.once('exit', resolve)) };
  await until(async () => (await serverCount()) >= servers, LEISURELY_MS);
  const serversMs = Date.now() - begin;
  const syncedAtSec = () => metric('kubeproxy_sync_proxy_rules_last_timestamp_seconds');
  await until(async () => (await syncedAtSec()) > 0, LEISURELY_MS);
  // The proxy's own stamp: asking until it is there would take CPU from it, and tell the time of
  // the answer.
  const firstSyncMs = Math.round((await syncedAtSec()) * 1000) - begin;
  if (!(await allHaveDestinations())) throw new Error('synced, and servers lack destinations');
  return { serversMs, firstSyncMs };
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

/**
 * One sample of `/metrics`; NaN while it does not answer, the largest where there are several
 * series.
 */
export async function metric(name: string): Promise<number> {
  try {
    const text = await (await fetch('http://127.0.0.1:10249/metrics')).text();
    const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))];
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
  const objects = new ClusterObjects(api);
  await objects.replace(slice);
  const begin = performance.now();
  const identity = identityOfKey(server)!;
  await until(async () => {
    const found = await ipvs.service(identity, 'without-counters');
    return found?.destinations.some(({ address }) => address === wanted) ?? false;
  }, 1);
  objects.close();
  return performance.now() - begin;
}

/**
 * Just the number, in two system calls: what also lists destinations would take half of the lab's
 * CPU from the proxy.
 */
async function serverCount(): Promise<number> {
  try {
    const isOne = () => true;
    const [services = []] = await counting.dump('count servers', [encodeDumpServices], isOne);
    return services.length;
  } catch {
    return 0;
  }
}

async function allHaveDestinations(): Promise<boolean> {
  const services = await whole.list('without-counters');
  return services.filter(({ destinations }) => destinations.length === 0).length <= 1;
}

async function until(isTrue: () => Promise<boolean>, pauseMs: number): Promise<void> {
  const deadline = performance.now() + 600_000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error('not there after 10 minutes');
    await sleep(pauseMs);
  }
}
