/**
 * An Ethernet segment for a kernel test: a bridge in a namespace of its own as the switch, and
 * stations, each a namespace with one interface eth0 on it. tcpdump listens at the switch: a
 * witness that is not ours.
 */
import { spawn } from 'node:child_process';
import type { MacAddress } from '../../../src/net/macAddress.ts';
import { patience } from '../../lab/patience.ts';
import { freshNamespace, type Namespace } from './namespace.ts';

export interface Station {
  readonly namespace: Namespace;
  readonly mac: MacAddress;
  /** of eth0 */
  readonly ifindex: number;
  ip(...argv: readonly string[]): Promise<string>;
}

/** What tcpdump has printed so far, a line a frame. */
export interface Sniffer {
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

/** Room for the largest frames that a test sends. */
const MTU = '9000';

export class Segment {
  readonly #switch: Namespace;
  readonly #stations: Station[] = [];
  readonly #sniffers: Sniffer[] = [];

  private constructor(namespace: Namespace) {
    this.#switch = namespace;
  }

  static async create(): Promise<Segment> {
    const segment = new Segment(await freshNamespace());
    const bridge = ['name', 'br0', 'mtu', MTU, 'type', 'bridge'];
    await segment.#switch.run('ip', 'link', 'add', ...bridge);
    await segment.#switch.run('ip', 'link', 'set', 'br0', 'up');
    return segment;
  }

  /** Its MAC is 02:00:00:00:00:NN, its interface up, without addresses of ours. */
  async station(number: number): Promise<Station> {
    const namespace = await freshNamespace();
    const mac = `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
    const ip = (...argv: readonly string[]) => namespace.run('ip', ...argv);
    const port = `port${number}`;
    const peer = ['peer', 'name', port, 'mtu', MTU, 'netns', this.#switch.name];
    await ip('link', 'add', 'eth0', 'address', mac, 'mtu', MTU, 'type', 'veth', ...peer);
    await this.#switch.run('ip', 'link', 'set', port, 'master', 'br0', 'up');
    await ip('link', 'set', 'eth0', 'up');
    const ifindex = await interfaceIndex(namespace, 'eth0');
    const station = { namespace, mac, ifindex, ip };
    this.#stations.push(station);
    return station;
  }

  /** Sees every frame on the segment that fits the expression, from when this has resolved. */
  async sniff(...expression: readonly string[]): Promise<Sniffer> {
    const argv = ['netns', 'exec', this.#switch.name, 'tcpdump', '-Z', 'root', '-i', 'br0'];
    const child = spawn('ip', [...argv, '-l', '-n', '-e', '-v', '-t', ...expression], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const hasEnded = new Promise<void>((resolve) => child.once('close', () => resolve()));
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('listening on')) resolve();
      });
      child.once('error', reject);
      child.once('close', () => reject(new Error(`tcpdump ended: ${said}`)));
    });
    const sniffer: Sniffer = {
      get lines() {
        // What belongs to a frame is indented.
        return printed.replaceAll(/\n\s+/g, ' ').trim().split('\n');
      },
      stop: async () => {
        child.kill();
        await hasEnded;
      },
    };
    this.#sniffers.push(sniffer);
    return sniffer;
  }

  async remove(): Promise<void> {
    for (const sniffer of this.#sniffers) await sniffer.stop();
    for (const { namespace } of this.#stations) await namespace.remove();
    await this.#switch.remove();
  }
}

export async function interfaceIndex(namespace: Namespace, name: string): Promise<number> {
  return Number.parseInt(await namespace.run('ip', '-o', 'link', 'show', name), 10);
}

/** Looks again until it is so, or too much time has passed: then it returns what it saw last. */
export async function sight<T>(look: () => T | Promise<T>, isSo: (seen: T) => boolean): Promise<T> {
  const deadline = Date.now() + patience(20_000);
  for (;;) {
    const seen = await look();
    if (isSo(seen) || Date.now() > deadline) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
