/**
 * What clients see of an address that moves on purpose: three nodes announce it, all of them serve
 * it by a plain TCP server on lo (IPVS's part, which other tests show), and an outsider opens
 * new connections all the time. As root.
 *
 *   node test/bench/plannedMoves.ts [--moves N] [--rate N]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Namespace } from '../support/lab/namespace.ts';
import { AnnouncerNodes } from '../support/loadbalancer/announcerNodes.ts';

const ADDRESSES = ['192.0.2.64', '2001:db8:1::64'];
const PORT = 8080;
const NAMES = ['n1', 'n2', 'n3'];
/** So soon after its beginning a move may be felt. */
const WINDOW_MS = 1_500;
/** A SYN that is not answered is sent again after a second. */
const LOST_MS = 10_000;

/** What became of a connection. */
interface Attempt {
  readonly address: string;
  readonly beganMs: number;
  /** until it was there; undefined: it never was */
  readonly connectMs?: number;
  /** of the node that served it */
  readonly by?: string;
  /** errno's name */
  readonly error?: string;
}

const MOVES = ['SIGTERM', 'return', 'cordon', 'release'] as const;
type Kind = (typeof MOVES)[number] | 'none';

function serve(name: string): void {
  // Who closes first keeps the port for a while: not the client, who has not enough of them.
  createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(name);
  }).listen(PORT, '::');
}

function load(rate: number): void {
  const beganMs = performance.now();
  let count = 0;
  setInterval(() => {
    const due = ((performance.now() - beganMs) / 1_000) * rate;
    for (; count < due; count++) open(ADDRESSES[count % ADDRESSES.length]!);
  }, 2);
}

function open(address: string): void {
  const beganMs = Date.now();
  const began = performance.now();
  const socket = connect({ host: address, port: PORT });
  let connectMs: number | undefined;
  let by = '';
  let error: string | undefined;
  const limit = setTimeout(() => socket.destroy(new Error('no answer')), LOST_MS);
  socket.on('connect', () => (connectMs = performance.now() - began));
  socket.setEncoding('utf8').on('data', (text: string) => (by += text));
  socket.on('error', (thrown: NodeJS.ErrnoException) => (error = thrown.code ?? thrown.message));
  socket.on('close', () => {
    clearTimeout(limit);
    const told: Attempt = {
      address,
      beganMs,
      ...(connectMs === undefined ? {} : { connectMs }),
      ...(by === '' ? {} : { by }),
      ...(error === undefined ? {} : { error }),
    };
    process.stdout.write(`${JSON.stringify(told)}\n`);
  });
}

function roleIn({ name }: Namespace, ...argv: readonly string[]): ChildProcess {
  const program = [process.execPath, '--disable-warning=ExperimentalWarning', import.meta.filename];
  return spawn('ip', ['netns', 'exec', name, ...program, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Every node has every address, as behind kube-ipvs0, and its kernel says nothing of it. */
async function prepare(namespace: Namespace): Promise<void> {
  await namespace.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1');
  await namespace.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_announce=2');
  for (const address of ADDRESSES) {
    const nodad = address.includes(':') ? ['nodad'] : [];
    await namespace.run('ip', 'address', 'add', address, 'dev', 'lo', ...nodad);
  }
}

class Scene {
  readonly attempts: Attempt[] = [];
  /** who served it last */
  readonly #serving = new Map<string, string>();
  readonly #nodes: AnnouncerNodes;
  readonly #processes: ChildProcess[] = [];
  /** whose announcer runs */
  readonly #running = new Set(NAMES);

  private constructor(nodes: AnnouncerNodes) {
    this.#nodes = nodes;
  }

  static async open(rate: number): Promise<Scene> {
    const announcer = { holdDownMs: 500 };
    const nodes = await AnnouncerNodes.create(NAMES.length, { addresses: ADDRESSES, announcer });
    const scene = new Scene(nodes);
    for (const name of NAMES) {
      const { namespace } = nodes.station(name);
      await prepare(namespace);
      scene.#processes.push(roleIn(namespace, 'serve', name));
      nodes.start(name);
    }
    await pause(5_000);
    const client = roleIn(nodes.client.namespace, 'load', String(rate));
    scene.#processes.push(client);
    createInterface(client.stdout!).on('line', (line) => scene.#note(JSON.parse(line) as Attempt));
    await pause(3_000);
    return scene;
  }

  async close(): Promise<void> {
    for (const child of this.#processes) child.kill();
    await this.#nodes.remove();
  }

  /** Of the node that has the first address. @returns when it was begun */
  async move(kind: Kind): Promise<number> {
    const owner = this.#serving.get(ADDRESSES[0]!)!;
    const beganMs = Date.now();
    switch (kind) {
      case 'SIGTERM':
        await this.#nodes.end(owner, 'SIGTERM');
        break;
      case 'return':
        this.#nodes.start(NAMES.find((name) => !this.#running.has(name))!);
        break;
      case 'cordon':
        this.#nodes.tell({ cordon: owner });
        break;
      case 'release':
        this.#nodes.tell({ release: ADDRESSES }, [owner]);
        break;
      case 'none':
    }
    if (kind === 'SIGTERM') this.#running.delete(owner);
    if (kind === 'return') for (const name of NAMES) this.#running.add(name);
    await pause(3_000);
    if (kind === 'cordon') this.#nodes.tell({ uncordon: owner });
    return beganMs;
  }

  #note(attempt: Attempt): void {
    this.attempts.push(attempt);
    if (attempt.by !== undefined) this.#serving.set(attempt.address, attempt.by);
  }
}

function row(kind: Kind, begins: readonly number[], attempts: readonly Attempt[]): string {
  const of = attempts.filter(({ beganMs }) =>
    begins.some((at) => beganMs >= at - 100 && beganMs < at + WINDOW_MS),
  );
  const failed = of.filter(({ error }) => error !== undefined);
  const refused = failed.filter(({ connectMs }) => connectMs === undefined);
  const times = of.flatMap(({ connectMs }) => connectMs ?? []).sort((a, b) => a - b);
  const moved = begins.filter((at) => hasMoved(at, attempts)).length;
  const p99 = times[Math.floor(0.99 * times.length)] ?? NaN;
  const counts = [begins.length, moved, of.length, refused.length, failed.length - refused.length];
  const errors = [...new Set(failed.map(({ error }) => error))].join(' ');
  return `| ${kind} | ${counts.join(' | ')} | ${p99.toFixed(1)} | ${(times.at(-1) ?? NaN).toFixed(1)} | ${errors} |`;
}

/** Another node serves one of the addresses afterwards. */
function hasMoved(atMs: number, attempts: readonly Attempt[]): boolean {
  const lastBy = (address: string, fromMs: number, toMs: number) =>
    attempts.findLast(
      (each) =>
        each.address === address && each.beganMs >= fromMs && each.beganMs < toMs && each.by,
    )?.by;
  return ADDRESSES.some(
    (address) => lastBy(address, atMs - 500, atMs) !== lastBy(address, atMs, atMs + 2_500),
  );
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      moves: { type: 'string', default: '10' },
      rate: { type: 'string', default: '600' },
    },
  });
  const scene = await Scene.open(Number(values.rate));
  const begins = new Map<Kind, number[]>();
  for (let i = 0; i < Number(values.moves); i++) {
    for (const kind of ['none', ...MOVES] as const)
      begins.set(kind, [...(begins.get(kind) ?? []), await scene.move(kind)]);
  }
  const { attempts } = scene;
  const seconds = (attempts.at(-1)!.beganMs - attempts[0]!.beganMs) / 1_000;
  await scene.close();
  console.log(
    `${attempts.length} connections, ${(attempts.length / seconds).toFixed(0)} a second\n`,
  );
  console.log(
    '| move | times | address moved | connections around it | never there | cut off | connect p99 (ms) | longest | errors |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const [kind, at] of begins) console.log(row(kind, at, attempts));
}

const [role, argument] = process.argv.slice(2);
if (role === 'serve') serve(argument!);
else if (role === 'load') load(Number(argument));
else await measure();
