/**
 * How long an address of a load balancer is nobody's: three nodes on a bridge, the one that has it
 * fails, and tcpdump at the client sees when another one first announces it. As root.
 *
 *   node test/bench/failover.ts [RUNS] [kill|term|cable|cordon…]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AnnouncerNodes } from '../support/loadbalancer/announcerNodes.ts';

const ADDRESS = '192.0.2.64';
const NAMES = ['n1', 'n2', 'n3'];

type Failure = 'kill' | 'term' | 'cable' | 'cordon';
const FAILURES: readonly Failure[] = ['kill', 'term', 'cable', 'cordon'];

const [first, ...named] = process.argv.slice(2);
const runs = Number(first ?? 50);
const wanted = named.length === 0 ? FAILURES : (named as Failure[]);

/** Announcements as they pass the switch: who, and when by the wall clock. */
class Witness {
  readonly #child;
  #seen: { readonly mac: string; readonly atMs: number }[] = [];
  #rest = '';

  constructor(nodes: AnnouncerNodes) {
    const argv = ['-Z', 'root', '-i', 'eth0', '-l', '-n', '-e', '-tt'];
    // Its own kernel hears every broadcast.
    const expression = `arp src host ${ADDRESS} and arp dst host ${ADDRESS}`;
    const { name } = nodes.client.namespace;
    this.#child = spawn('ip', ['netns', 'exec', name, 'tcpdump', ...argv, expression]);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${this.#rest}${text}`.split('\n');
      this.#rest = lines.pop()!;
      for (const line of lines) {
        const [, at, mac] = /^(\d+\.\d+) ([0-9a-f:]{17}) >/.exec(line) ?? [];
        if (mac !== undefined) this.#seen.push({ mac, atMs: Number(at) * 1000 });
      }
    });
  }

  /** @returns the first one of another MAC since then */
  async firstOther(mac: string, sinceMs: number): Promise<number> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const found = this.#seen.find((each) => each.mac !== mac && each.atMs >= sinceMs);
      if (found !== undefined) return found.atMs;
      if (Date.now() > deadline) throw new Error('nobody else announced it');
      await pause(10);
    }
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function owner(nodes: AnnouncerNodes): Promise<string> {
  for (;;) {
    const answerers = await nodes.answerers(ADDRESS);
    if (answerers.length === 1) return answerers[0]!;
  }
}

/** @returns ms from the failure to the first announcement of another node */
async function fail(nodes: AnnouncerNodes, witness: Witness, how: Failure): Promise<number> {
  const name = await owner(nodes);
  const { mac } = nodes.station(name);
  const sinceMs = Date.now();
  if (how === 'kill') void nodes.end(name, 'SIGKILL');
  if (how === 'term') void nodes.end(name, 'SIGTERM');
  if (how === 'cable') void nodes.segment.setCable(NAMES.indexOf(name) + 1, 'down');
  if (how === 'cordon') nodes.tell({ cordon: name });
  const tookMs = (await witness.firstOther(mac, sinceMs)) - sinceMs;
  await pause(300);
  if (how === 'kill' || how === 'term') nodes.start(name);
  if (how === 'cable') await nodes.segment.setCable(NAMES.indexOf(name) + 1, 'up');
  if (how === 'cordon') nodes.tell({ uncordon: name });
  // It is back, and heard, before the next one fails.
  await pause(3_000);
  return tookMs;
}

function tell(how: Failure, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
  const cells = [sorted[0]!, at(0.5), at(0.9), at(0.99), sorted.at(-1)!].map((ms) => ms.toFixed(0));
  console.log(`| ${how} | ${times.length} | ${cells.join(' | ')} |`);
}

console.log(
  '| failure | runs | least | p50 | p90 | p99 | most (ms) |\n|---|---|---|---|---|---|---|',
);
for (const how of wanted) {
  const announcer = { holdDownMs: 0 };
  const nodes = await AnnouncerNodes.create(NAMES.length, { addresses: [ADDRESS], announcer });
  for (const name of NAMES) nodes.start(name);
  const witness = new Witness(nodes);
  await pause(5_000);
  const times: number[] = [];
  for (let i = 0; i < runs; i++) times.push(await fail(nodes, witness, how));
  tell(how, times);
  await witness.stop();
  await nodes.remove();
}
