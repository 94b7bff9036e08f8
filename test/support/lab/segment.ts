/**
 * An Ethernet segment for a kernel test: a bridge in a namespace of its own as the switch, and
 * stations, each a namespace with an interface eth0 on it; a station may stand on other segments by
 * further interfaces. tcpdump listens at the switch: a witness that is not ours.
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

  /** A second switch in the same namespace, to which {@link Segment.plugInto} takes stations. */
  async addSwitch(name: string): Promise<void> {
    await this.#switch.run('ip', 'link', 'add', name, 'mtu', MTU, 'type', 'bridge');
    await this.#switch.run('ip', 'link', 'set', name, 'up');
  }

  /** Its carrier stays: nothing but who hears it changes. */
  async plugInto(number: number, bridge: string): Promise<void> {
    await this.#switch.run('ip', 'link', 'set', portOf(number), 'master', bridge);
  }

  get switchNamespace(): Namespace {
    return this.#switch;
  }

  /** Its MAC is 02:00:00:00:00:NN, its interface up, without addresses of ours. */
  async station(number: number): Promise<Station> {
    const namespace = await freshNamespace();
    const ip = (...argv: readonly string[]) => namespace.run('ip', ...argv);
    const mac = await this.attach(namespace, 'eth0', number);
    const ifindex = await interfaceIndex(namespace, 'eth0');
    const station = { namespace, mac, ifindex, ip };
    this.#stations.push(station);
    return station;
  }

  /** Another interface of a namespace, up. @returns its MAC, 02:00:00:00:00:NN */
  async attach(namespace: Namespace, name: string, number: number): Promise<MacAddress> {
    const mac = `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
    const peer = ['peer', 'name', portOf(number), 'mtu', MTU, 'netns', this.#switch.name];
    const device = ['link', 'add', name, 'address', mac, 'mtu', MTU, 'type', 'veth', ...peer];
    await namespace.run('ip', ...device);
    await this.#switch.run('ip', 'link', 'set', portOf(number), 'master', 'br0', 'up');
    await namespace.run('ip', 'link', 'set', name, 'up');
    return mac;
  }

  /** The cable of a station: without it its interface has no carrier. */
  async setCable(number: number, state: 'up' | 'down'): Promise<void> {
    await this.#switch.run('ip', 'link', 'set', portOf(number), state);
  }

  /** Runs a program at the switch. */
  atSwitch(...argv: readonly string[]): Promise<string> {
    return this.#switch.run(...argv);
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

const portOf = (number: number): string => `port${number}`;

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
