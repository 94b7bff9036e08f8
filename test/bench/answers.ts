/**
 * How long a node with thousands of load balancer addresses takes to answer ARP and Neighbor
 * Discovery, while it is idle and while its main thread computes all the time in pieces of 100 ms,
 * which stands for the programming of many Services. The announcer is the product's, with its own
 * thread; a client on the same segment asks for one address after the other. Both times of each
 * question are the kernel's, as tcpdump gets them at the client. As root; no IPVS is needed.
 *
 *   node test/bench/answers.ts [ADDRESSES [QUESTIONS]]
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openPacketSocket, type PacketSocket } from '../../src/kernel/packetSocket.ts';
import { ZERO_MAC } from '../../src/net/macAddress.ts';
import { arpProbe, encodeArp } from '../../src/wire/arp.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from '../../src/wire/ethernet.ts';
import { neighborProbe } from '../../src/wire/neighborAnswers.ts';
import { encodeNeighbor } from '../../src/wire/neighborDiscovery.ts';
import { AnnouncerNodes } from '../support/loadbalancer/announcerNodes.ts';

const [addressCount = 5_000, questionCount = 4_000] = process.argv.slice(2).map(Number);
/** Of the addresses, one of five is IPv6. */
const SIX_COUNT = Math.floor(addressCount / 5);
const FOUR = many(addressCount - SIX_COUNT, (i) => `10.9.${i >> 8}.${i & 255}`);
const SIX = many(SIX_COUNT, (i) => `2001:db8:1::1:${(i + 1).toString(16)}`);
/** Between two questions. */
const GAP_MS = 2;
const BUSY_PIECE_MS = 100;
const NODE = 'n1';
const CLIENT = { v4: '192.0.2.10', v6: '2001:db8:1::a' };

type Kind = 'ARP' | 'Neighbor Discovery';

const folder = mkdtempSync(join(tmpdir(), 'kube-ipvs-answers-'));
const nodes = await AnnouncerNodes.create(1, {
  addresses: [...FOUR, ...SIX],
  announcer: { probeBeforeUse: false },
});
const { client } = nodes;
const { ifindex, mac } = client;
const { name: namespaceName, networkNamespacePath } = client.namespace;
const open = (etherType: number) => openPacketSocket({ ifindex, etherType, networkNamespacePath });
const sockets: Readonly<Record<Kind, PacketSocket>> = {
  ARP: open(ETHERTYPE_ARP),
  'Neighbor Discovery': open(ETHERTYPE_IPV6),
};

function many(count: number, addressOf: (i: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, i) => addressOf(i));
}

function questionOf(kind: Kind, address: string): Uint8Array {
  if (kind === 'Neighbor Discovery')
    return encodeNeighbor({
      ...neighborProbe(mac, address),
      source: CLIENT.v6,
      linkLayerAddress: mac,
    });
  return encodeArp({ ...arpProbe(mac, address), senderAddress: CLIENT.v4, targetMac: ZERO_MAC });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs tcpdump at the client meanwhile. @returns lines that begin with the kernel's seconds */
async function captured(work: () => Promise<void>): Promise<readonly string[]> {
  const file = join(folder, 'capture');
  const inClient = ['netns', 'exec', namespaceName, 'tcpdump', '-Z', 'root', '-nn'];
  const precise = ['--time-stamp-precision=nano', '--immediate-mode', '-B', '16384', '-s', '128'];
  const child = spawn('ip', [...inClient, '-i', 'eth0', ...precise, '-w', file, 'arp or icmp6'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.setEncoding('utf8');
  const isListening = new Promise<void>((resolve) =>
    child.stderr.on('data', (text: string) => text.includes('listening on') && resolve()),
  );
  await isListening;
  await work();
  const ended = once(child, 'exit');
  child.kill();
  await ended;
  const read = ['-r', file, '-nn', '-tt', '--time-stamp-precision=nano'];
  const { stdout } = await promisify(execFile)('tcpdump', read, { maxBuffer: 1 << 28 });
  return stdout.split('\n');
}

const QUESTION = /^(\d+\.\d+) .*(?:Request who-has (\S+) tell 192\.0\.2\.10|who has (\S+?),? )/;
const ANSWER = /^(\d+\.\d+) .*(?:Reply (\S+) is-at|neighbor advertisement, tgt is (\S+?),? )/;

/** @param addresses each once @returns microseconds from question to answer, of those answered */
async function ask(kind: Kind, addresses: readonly string[]): Promise<readonly number[]> {
  const lines = await captured(async () => {
    for (const address of addresses) {
      sockets[kind].send([questionOf(kind, address)]);
      await pause(GAP_MS);
    }
    await pause(500);
  });
  const askedAt = new Map<string, number>();
  const took = new Map<string, number>();
  for (const line of lines) {
    const [, at, v4, v6] = QUESTION.exec(`${line} `) ?? ANSWER.exec(`${line} `) ?? [];
    const address = v4 ?? v6;
    if (at === undefined || address === undefined) continue;
    const isQuestion = QUESTION.test(`${line} `);
    if (isQuestion) askedAt.set(address, microsOf(at));
    const asked = askedAt.get(address);
    if (!isQuestion && asked !== undefined && !took.has(address))
      took.set(address, microsOf(at) - asked);
  }
  return addresses.flatMap((address) => took.get(address) ?? []);
}

/** Of a day: all of the seconds would not fit into a number with their nanoseconds. */
function microsOf(text: string): number {
  const [seconds = '', fraction = ''] = text.split('.');
  return (Number(seconds) % 86_400) * 1e6 + Number(fraction.padEnd(9, '0')) / 1e3;
}

/** So many of them, each as often as it takes, in an order of their own in each round. */
async function measure(kind: Kind, state: string): Promise<void> {
  const all = kind === 'ARP' ? FOUR : SIX;
  const times: number[] = [];
  let asked = 0;
  while (asked < questionCount) {
    const round = all.toSorted(() => Math.random() - 0.5).slice(0, questionCount - asked);
    times.push(...(await ask(kind, round)));
    asked += round.length;
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) =>
    ((sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN) / 1e3).toFixed(
      2,
    );
  const cells = [`${times.length} of ${asked}`, at(0.5), at(0.9), at(0.99), at(1)];
  console.log(`| ${kind} | ${state} | ${cells.join(' | ')} | ${loadavg()[0]!.toFixed(1)} |`);
}

try {
  // In whose subnet they are.
  await nodes.station(NODE).ip('address', 'add', '10.9.255.254/16', 'dev', 'eth0');
  nodes.start(NODE);
  // Until it has all of them, and has announced them in all rounds.
  for (const [kind, all] of [
    ['ARP', FOUR],
    ['Neighbor Discovery', SIX],
  ] as const)
    while ((await ask(kind, all)).length < all.length) await pause(1_000);
  await pause(3_000);
  console.log(
    `${FOUR.length} IPv4 and ${SIX.length} IPv6 addresses, ${1_000 / GAP_MS} questions a second at most, ` +
      `Node.js ${process.version}, Linux ${release()}\n`,
  );
  console.log('| | main thread | answered | p50 | p90 | p99 | most (ms) | load |');
  console.log('|---|---|---|---|---|---|---|---|');
  for (const kind of ['ARP', 'Neighbor Discovery'] as const) {
    await measure(kind, 'idle');
    nodes.tell({ busyMs: BUSY_PIECE_MS });
    await pause(1_000);
    await measure(kind, 'busy');
    nodes.tell({ busyMs: 0 });
    await pause(1_000);
  }
} finally {
  for (const socket of Object.values(sockets)) socket.close();
  await nodes.remove();
  rmSync(folder, { recursive: true });
}
