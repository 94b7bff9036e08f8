/**
 * A network of announcers in one process, in which time passes only when it is told to: datagrams
 * are lost, late, twice, in another order; nodes crash, come back, stand still; some do not hear
 * others. What is random comes from one source, so a run can be had again.
 *
 * A node is whatever has `tick` and `received`: a machine's clock and socket are played here.
 */
import type { Outgoing } from '../../../src/loadbalancer/peers/peers.ts';
import type { Address } from '../../../src/net/address.ts';
import type { Heartbeat } from '../../../src/wire/heartbeat.ts';

export interface SimulatedNode {
  readonly name: string;
  /** the first one is what its datagrams come from */
  readonly addresses: readonly Address[];
  /** called every `tickMs`, or late after a pause and then before what waits in its socket */
  tick(nowMs: number): readonly Outgoing[];
  received(heartbeat: Heartbeat, from: Address, nowMs: number): void;
}

export interface Line {
  /** 0 to 1 */
  readonly loss: number;
  readonly duplication: number;
  /** each datagram takes a time of its own in between, and may so overtake others */
  readonly delayMs: readonly [number, number];
}

export const GOOD_LINE: Line = { loss: 0, duplication: 0, delayMs: [0.1, 0.5] };

export interface Recording {
  readonly sentMs: number;
  readonly from: Address;
  readonly sender: string;
  readonly outgoing: Outgoing;
}

export interface Delivery {
  readonly recording: Recording;
  readonly to: string;
  /** `copy`: the network made two of it; `replay`: somebody sent a recording */
  readonly kind: 'original' | 'copy' | 'replay';
}

interface Station {
  readonly node: SimulatedNode;
  isPaused: boolean;
  /** what came while it stood still */
  readonly waiting: Delivery[];
  /** so far: a tick that was planned before the last one is not one any more */
  ticks: number;
}

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

export interface NetworkOptions {
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  readonly tickMs?: number;
}

export class SimulatedNetwork {
  line: Line = GOOD_LINE;
  /** called with each datagram that a node gets, before it does */
  onDelivery: (delivery: Delivery) => void = () => {};
  /** everything ever sent, lost or not */
  readonly recordings: Recording[] = [];
  readonly #random: () => number;
  readonly #tickMs: number;
  readonly #stations = new Map<string, Station>();
  readonly #deaf = new Set<string>();
  #events: Event[] = [];
  #nowMs = 0;

  constructor({ random, tickMs = 50 }: NetworkOptions) {
    this.#random = random;
    this.#tickMs = tickMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** A process starts; one of the same name is gone from then on. */
  start(node: SimulatedNode): void {
    this.crash(node.name);
    const station = { node, isPaused: false, waiting: [], ticks: 0 };
    this.#stations.set(node.name, station);
    this.at(this.#nowMs + this.#random() * this.#tickMs, () => this.#tick(station));
  }

  /** Nothing is sent or heard by it any more. */
  crash(name: string): void {
    this.#stations.delete(name);
  }

  /** The process stands still; its socket goes on to fill. */
  pause(name: string): void {
    const station = this.#stations.get(name);
    if (station !== undefined) station.isPaused = true;
  }

  isPaused(name: string): boolean {
    return this.#stations.get(name)?.isPaused === true;
  }

  /** A late tick, then what waits. */
  resume(name: string): void {
    const station = this.#stations.get(name);
    if (station === undefined || !station.isPaused) return;
    station.isPaused = false;
    this.#tick(station);
    for (const delivery of station.waiting.splice(0)) this.#hand(station, delivery);
  }

  /** One direction only. */
  block(from: string, to: string): void {
    this.#deaf.add(`${from}>${to}`);
  }

  /** Only members of one group hear each other; whoever is in none hears nobody. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#deaf.clear();
    const names = [...this.#stations.keys(), ...groups.flat()];
    for (const from of names) {
      for (const to of names) {
        const isTogether = groups.some((group) => group.includes(from) && group.includes(to));
        if (!isTogether) this.block(from, to);
      }
    }
  }

  /** Everybody reaches everybody again; what the line is like stays. */
  heal(): void {
    this.#deaf.clear();
  }

  /** Somebody on the network sends what was heard before, to whom it was for then. */
  replay(recording: Recording): void {
    this.#deliver({ recording, to: recording.outgoing.node, kind: 'replay' });
  }

  at(atMs: number, run: () => void): void {
    const index = this.#events.findLastIndex((event) => event.atMs <= atMs);
    this.#events.splice(index + 1, 0, { atMs, run });
  }

  run(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const event = this.#events[0];
      if (event === undefined || event.atMs > untilMs) break;
      this.#events.shift();
      this.#nowMs = event.atMs;
      event.run();
    }
    this.#nowMs = untilMs;
  }

  #isRunning(station: Station): boolean {
    return this.#stations.get(station.node.name) === station;
  }

  /** The next one is planned by the last one's end, as a timer does; a pause ends with one. */
  #tick(station: Station): void {
    if (!this.#isRunning(station) || station.isPaused) return;
    for (const outgoing of station.node.tick(this.#nowMs)) this.#send(station.node, outgoing);
    const ticks = ++station.ticks;
    this.at(this.#nowMs + this.#tickMs, () => {
      if (station.ticks === ticks) this.#tick(station);
    });
  }

  #send(sender: SimulatedNode, outgoing: Outgoing): void {
    const [from] = sender.addresses;
    const recording = { sentMs: this.#nowMs, from: from!, sender: sender.name, outgoing };
    this.recordings.push(recording);
    const { loss, duplication } = this.line;
    if (this.#deaf.has(`${sender.name}>${outgoing.node}`) || this.#random() < loss) return;
    this.#carry({ recording, to: outgoing.node, kind: 'original' });
    if (this.#random() < duplication) {
      this.#carry({ recording, to: outgoing.node, kind: 'copy' });
    }
  }

  #carry(delivery: Delivery): void {
    const [least, most] = this.line.delayMs;
    const atMs = this.#nowMs + least + this.#random() * (most - least);
    this.at(atMs, () => this.#deliver(delivery));
  }

  #deliver(delivery: Delivery): void {
    const station = this.#stations.get(delivery.to);
    if (station === undefined) return;
    if (station.isPaused) station.waiting.push(delivery);
    else this.#hand(station, delivery);
  }

  #hand(station: Station, delivery: Delivery): void {
    const { outgoing, from } = delivery.recording;
    this.onDelivery(delivery);
    station.node.received(outgoing.heartbeat, from, this.#nowMs);
  }
}
