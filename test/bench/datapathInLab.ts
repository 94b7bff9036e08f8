/**
 * The lab's side of `--measure datapath`: a client and a server in namespaces of their own, the
 * node between them, and the counters of its rules. The proxy has left when it is measured: what it
 * has put into the kernel is what carries the traffic.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { exec, ipBatch } from '../lab/netns.ts';
import { strainTool } from '../lab/workshop.mjs';
import { countsOf, type Path, type Speed } from './paths.ts';
import { rulesPassed } from './rulesPassed.ts';
import { PODS, TARGET_PORTS } from './target.ts';

/** In the pods' eyes. */
const NODE = '10.244.1.1';

/** Wires as a CNI plug-in lays them that routes, and the server behind the Service. */
export async function layPods(): Promise<void> {
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  for (const [pod, address] of Object.entries(PODS)) {
    await ipBatch(undefined, [
      `netns add ${pod}`,
      `link add v-${pod} type veth peer name eth0 netns ${pod}`,
      `address add ${NODE}/32 dev v-${pod}`,
      `link set v-${pod} up`,
      `route add ${address}/32 dev v-${pod}`,
    ]);
    await ipBatch(pod, [
      'link set lo up',
      `address add ${address}/32 dev eth0`,
      'link set eth0 up',
      `route add ${NODE}/32 dev eth0`,
      `route add default via ${NODE}`,
    ]);
  }
  const serve = ['serve', 'server', String(TARGET_PORTS.answering)];
  const server = spawn(strainTool(), serve, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
}

/** Rules of whoever was here before, so that those of the next one are the only ones. */
export async function clearRules(): Promise<void> {
  for (const family of ['iptables', 'ip6tables']) {
    const tables = ['raw', 'mangle', 'nat', 'filter'];
    const lines = tables.map((table) => `*${table}\nCOMMIT\n`).join('');
    await done([`${family}-restore`], lines);
    await done([family, '-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT']);
  }
}

/** By the name of the proxy that wrote them. */
const rulesOf = new Map<string, string>();

export async function keepRules(proxy: string): Promise<void> {
  rulesOf.set(proxy, await done(['iptables-save']));
}

/** Those that were kept, in place of all others. */
export async function useRules(proxy: string): Promise<void> {
  const kept = rulesOf.get(proxy);
  if (kept === undefined) throw new Error(`no rules of ${proxy} were kept`);
  await done(['iptables-restore'], kept);
}

const MANY = 32;
const DATAGRAMS = 500;
/**
 * Each flow has a port that the kernel remembers nothing of; one of UDP it remembers for minutes.
 */
let nextPort = 1024;
let nextUdpPort = 1024;

export async function speed(address: string, forMs: number): Promise<Speed> {
  const many = await connections(address, MANY, forMs);
  const single = await connections(address, 1, forMs);
  const stream = await strain('stream', address, TARGET_PORTS.swallowing, forMs);
  return {
    connectionsPerSec: perSec(many['connections']!, many['us']!),
    answerUs: { p50: single['p50']!, p99: single['p99']! },
    mibPerSec: perSec(stream['bytes']!, stream['us']!) / 2 ** 20,
  };
}

export async function rules(address: string): Promise<Path['rules']> {
  return {
    first: await rulesOfPacket(address, 'new'),
    later: await rulesOfPacket(address, 'same'),
  };
}

async function connections(address: string, atOnce: number, forMs: number) {
  const counts = await strain('connect', address, TARGET_PORTS.answering, nextPort, atOnce, forMs);
  if (counts['failed'] !== 0) throw new Error(`${counts['failed']} connections were not answered`);
  nextPort = 1024 + ((nextPort - 1024 + counts['connections']! + atOnce) % 60_000);
  return counts;
}

/**
 * Of one packet. Nothing answers while it is counted: what comes through the node is these packets
 * alone. Later ones are of a flow that has been answered, as all are that live.
 */
async function rulesOfPacket(address: string, which: 'new' | 'same'): Promise<number> {
  const send = (count: number, how: 'new' | 'same' | 'ask') =>
    strain('datagrams', address, TARGET_PORTS.asked, nextUdpPort, count, how);
  if (which === 'same') await send(1, 'ask');
  const before = await done(['iptables-save', '-c']);
  await send(DATAGRAMS, which);
  const after = await done(['iptables-save', '-c']);
  nextUdpPort += which === 'new' ? DATAGRAMS : 1;
  return rulesPassed(before, after) / DATAGRAMS;
}

function perSec(count: number, us: number): number {
  return (1e6 * count) / us;
}

async function strain(what: string, address: string, ...args: readonly (string | number)[]) {
  return countsOf(await done([strainTool(), what, 'client', address, ...args.map(String)]));
}

async function done(argv: readonly string[], input?: string): Promise<string> {
  const { status, stdout, stderr } = await exec(argv, input === undefined ? {} : { input });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
