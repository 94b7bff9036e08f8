/**
 * Nodes that announce on one segment (announcerProgram.ts), a client that asks, and tcpdump at the
 * switch, by which alone it is judged who answers.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { MacAddress } from '../../../src/net/macAddress.ts';
import { Segment, sight, type Sniffer, type Station } from '../lab/segment.ts';
import type { AnnouncerStory, Turn } from './announcerProgram.ts';

const PROGRAM = join(import.meta.dirname, 'announcerProgram.ts');
const CLIENT = 0x0a;
/** Asked so often who has an address, only one may ever answer. */
const QUESTIONS = 5;

export class AnnouncerNodes {
  readonly segment: Segment;
  readonly client: Station;
  readonly #stations: ReadonlyMap<string, Station>;
  readonly #story: Omit<AnnouncerStory, 'node'>;
  readonly #running = new Map<string, ChildProcess>();
  readonly #logs = new Map<string, string>();

  private constructor(
    segment: Segment,
    client: Station,
    stations: ReadonlyMap<string, Station>,
    story: Omit<AnnouncerStory, 'node'>,
  ) {
    this.segment = segment;
    this.client = client;
    this.#stations = stations;
    this.#story = story;
  }

  /** `n1`… at 192.0.2.1… and 2001:db8:1::1…, the client at .10 and ::a. None runs yet. */
  static async create(
    count: number,
    story: Pick<AnnouncerStory, 'addresses' | 'announcer' | 'local' | 'misses'>,
  ) {
    const segment = await Segment.create();
    const stations = new Map<string, Station>();
    for (let i = 1; i <= count; i++) {
      const station = await segment.station(i);
      await addresses(station, i);
      stations.set(`n${i}`, station);
    }
    const client = await segment.station(CLIENT);
    await addresses(client, CLIENT);
    const nodes = Object.fromEntries(
      Array.from(stations.keys(), (name, i) => [name, `192.0.2.${i + 1}`]),
    );
    return new AnnouncerNodes(segment, client, stations, { ...story, nodes });
  }

  get names(): readonly string[] {
    return [...this.#stations.keys()];
  }

  station(name: string): Station {
    return this.#stations.get(name)!;
  }

  /** @param turns what it finds; absent: nothing out of the ordinary */
  start(name: string, turns?: readonly Turn[]): void {
    const { namespace } = this.station(name);
    const story: AnnouncerStory = { node: name, ...this.#story, ...(turns && { turns }) };
    const argv = [
      'netns',
      'exec',
      namespace.name,
      process.execPath,
      PROGRAM,
      JSON.stringify(story),
    ];
    const child = spawn('ip', argv, { stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#logs.set(name, (this.#logs.get(name) ?? '') + text);
      });
    }
    // Who is told something in the moment of its end does not hear it.
    child.stdin.on('error', () => undefined);
    this.#running.set(name, child);
  }

  /** SIGKILL is a crash, SIGTERM an orderly end; both resolve when it has ended. */
  async end(name: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#running.get(name)!;
    this.#running.delete(name);
    const ended = (child.exitCode ?? child.signalCode) ? undefined : once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  signal(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running.get(name)!.kill(signal);
  }

  /** To one, or to all that run. */
  tell(turn: Turn, names: Iterable<string> = this.#running.keys()): void {
    for (const name of names) this.#running.get(name)!.stdin!.write(`${JSON.stringify(turn)}\n`);
  }

  /** What they have written, for the message of a test that fails. */
  get logs(): string {
    return [...this.#logs].map(([name, log]) => `${name}:\n${log}`).join('\n');
  }

  forgetLogs(): void {
    this.#logs.clear();
  }

  /**
   * Asks the segment several times who has the address.
   *
   * @returns names of those that tcpdump saw answer; `stranger` for any other
   */
  async answerers(address: string): Promise<readonly string[]> {
    const sniffer = await this.segment.sniff(...answersFor(address));
    for (let i = 0; i < QUESTIONS; i++) {
      await this.client.ip('neighbour', 'flush', 'dev', 'eth0');
      await knock(this.client, address);
    }
    await sight(
      () => sniffer.lines,
      (lines) => lines.length >= QUESTIONS,
    );
    await sniffer.stop();
    return [...new Set(answeringMacs(sniffer).map((mac) => this.nameOf(mac)))].sort();
  }

  /** Whom the client's kernel takes to have it. */
  async neighbour(address: string): Promise<string | undefined> {
    const shown = await this.client.ip('neighbour', 'show', address, 'dev', 'eth0');
    const mac = /lladdr (\S+)/.exec(shown)?.[1];
    return mac === undefined ? undefined : this.nameOf(mac);
  }

  async remove(): Promise<void> {
    for (const name of this.#running.keys()) await this.end(name, 'SIGKILL');
    await this.segment.remove();
  }

  /** `stranger`: of none of them */
  nameOf(mac: MacAddress): string {
    for (const [name, station] of this.#stations) if (station.mac === mac) return name;
    return 'stranger';
  }
}

async function addresses(station: Station, number: number): Promise<void> {
  await station.ip('address', 'add', `192.0.2.${number}/24`, 'dev', 'eth0');
  const v6 = `2001:db8:1::${number.toString(16)}/64`;
  await station.ip('address', 'add', v6, 'dev', 'eth0', 'nodad');
}

/** So that its kernel has to know who has it. */
async function knock({ namespace }: Station, address: string): Promise<void> {
  const script = `echo >/dev/udp/${address}/9 || true`;
  await namespace.run('bash', '--norc', '-c', script);
}

function answersFor(address: string): readonly string[] {
  return address.includes(':')
    ? [`icmp6 and ip6[40] == 136 and ip6[48:4] == ${firstWord(address)}`]
    : [`arp[6:2] == 2 and arp src host ${address}`];
}

/** Of an IPv6 address, as tcpdump compares it. */
function firstWord(address: string): string {
  const [first = '0', second = '0'] = address.split(':');
  return `0x${first.padStart(4, '0')}${second.padStart(4, '0')}`;
}

function answeringMacs({ lines }: Sniffer): readonly MacAddress[] {
  return lines.flatMap((line) => /^([0-9a-f:]{17}) > /.exec(line)?.[1] ?? []);
}
