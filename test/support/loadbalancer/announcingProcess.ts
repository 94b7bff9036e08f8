/**
 * Whole announcers in a simulated network (network.ts): heartbeats and elections as they are, and a
 * segment on which all of them see each other's frames.
 */
import type { AnnouncerSettings } from '../../../src/config/loadBalancer/settings.ts';
import { Announcer } from '../../../src/loadbalancer/announcer/announcer.ts';
import type { MemberNode } from '../../../src/loadbalancer/announcer/electors.ts';
import { PauseWatch } from '../../../src/loadbalancer/announcer/pauseWatch.ts';
import type {
  AnswerPort,
  Rival,
  ForeignAnswer,
} from '../../../src/loadbalancer/announcer/ports.ts';
import type { OwnFacts } from '../../../src/loadbalancer/announcer/surroundings.ts';
import { type Outgoing, Peers } from '../../../src/loadbalancer/peers/peers.ts';
import type { Address } from '../../../src/net/address.ts';
import type { Heartbeat } from '../../../src/wire/heartbeat.ts';
import { announced, attachment, sha256 } from './announcing.ts';
import type { SimulatedNetwork, SimulatedNode } from './network.ts';

const TICK_MS = 50;
const DEFENCE_MS = 10_000;

/** Everybody hears everybody's frames, unless the wire itself is cut. */
export class Segment {
  readonly #network: SimulatedNetwork;
  readonly #stations = new Map<string, AnnouncingProcess>();
  /** a name may be cut off from the wire */
  readonly unplugged = new Set<string>();

  constructor(network: SimulatedNetwork) {
    this.#network = network;
  }

  attach(process: AnnouncingProcess): void {
    this.#stations.set(process.name, process);
  }

  detach(name: string): void {
    this.#stations.delete(name);
  }

  get processes(): Iterable<AnnouncingProcess> {
    return this.#stations.values();
  }

  /** names of those that answer a question now: not who stands still or is gone */
  answerers(address: Address): readonly string[] {
    return [...this.#stations.values()]
      .filter(({ name }) => !this.#network.isPaused(name) && !this.unplugged.has(name))
      .filter(({ answered }) => answered.has(address))
      .map(({ name }) => name);
  }

  /** A frame that says that `from` has it, to all others. */
  announce(address: Address, from: string): void {
    if (this.unplugged.has(from)) return;
    for (const process of this.#stations.values()) {
      const isReached = process.name !== from && !this.unplugged.has(process.name);
      if (!isReached || this.#network.isPaused(process.name)) continue;
      process.heard(address, from, this.#network.nowMs);
    }
  }

  probe(address: Address, from: string, forMs: number, onEnd: Parameters<AnswerPort['probe']>[3]) {
    const answer = this.#answer(address, from);
    const endMs = this.#network.nowMs + (answer === undefined ? forMs : 1);
    this.#network.at(endMs, () => {
      const late = answer ?? this.#answer(address, from);
      onEnd(late, this.#network.nowMs);
    });
  }

  #answer(address: Address, from: string): ForeignAnswer | undefined {
    if (this.unplugged.has(from)) return undefined;
    const other = this.answerers(address).find((name) => name !== from);
    return other === undefined ? undefined : { mac: attachment(other).mac, interfaceName: 'eth0' };
  }
}

export interface ProcessOptions {
  readonly name: string;
  readonly settings: AnnouncerSettings;
  readonly members: ReadonlyMap<string, MemberNode>;
  readonly addresses: readonly Address[];
  readonly network: SimulatedNetwork;
  readonly segment: Segment;
  readonly random: () => number;
}

export class AnnouncingProcess implements SimulatedNode {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly announcer: Announcer;
  readonly answered = new Set<Address>();
  readonly #peers: Peers;
  readonly #segment: Segment;
  readonly #network: SimulatedNetwork;
  readonly #defendedMs = new Map<Address, number>();
  readonly #pauses = new PauseWatch(TICK_MS);
  #facts: OwnFacts;

  constructor(options: ProcessOptions) {
    const { name, settings, members, network, segment, random } = options;
    const nowMs = network.nowMs;
    this.name = name;
    this.addresses = members.get(name)!.addresses;
    this.#segment = segment;
    this.#network = network;
    this.#peers = new Peers({
      node: name,
      ...settings.heartbeat,
      bootId: BigInt(1 + Math.floor(random() * 2 ** 48)),
      configurationHash: 1,
      random,
    });
    this.#peers.setNodes([...members.values()].filter((each) => each.name !== name));
    this.announcer = new Announcer(
      {
        node: name,
        settings,
        sha256,
        peers: this.#peers,
        wire: this.#wire(),
        onMove: () => undefined,
        onConflict: () => undefined,
      },
      nowMs,
    );
    this.#facts = {
      readySinceMs: nowMs,
      isLeaving: false,
      unreachableSinceMs: undefined,
      attachments: [attachment(name)],
    };
    this.announcer.setOwn(this.#facts, nowMs);
    this.announcer.setMembers(members);
    for (const address of options.addresses) this.announcer.setAddress(announced(address), nowMs);
    this.announcer.setServable(new Set(options.addresses), options.addresses);
  }

  setFacts(facts: Partial<OwnFacts>): void {
    this.#facts = { ...this.#facts, ...facts };
    this.announcer.setOwn(this.#facts, this.#network.nowMs);
  }

  heard(address: Address, from: string, nowMs: number): void {
    const answer = { mac: attachment(from).mac, interfaceName: 'eth0' };
    this.announcer.heard(address, answer, true, nowMs);
  }

  tick(nowMs: number): readonly Outgoing[] {
    const pausedMs = this.#pauses.tick(nowMs, nowMs);
    if (pausedMs > 0) {
      this.#peers.paused(nowMs);
      this.announcer.paused(pausedMs, nowMs);
    }
    this.announcer.tick(nowMs, 1_000);
    return this.#peers.tick(nowMs);
  }

  received(heartbeat: Heartbeat, from: Address, nowMs: number): void {
    this.#peers.received(heartbeat, from, nowMs);
  }

  /** As the responder does: RFC 5227 §2.4c. */
  #defend(address: Address, against: Rival): void {
    const { nowMs } = this.#network;
    if (against === 'node') return this.#segment.announce(address, this.name);
    if (nowMs < (this.#defendedMs.get(address) ?? -Infinity) + DEFENCE_MS) return;
    this.#defendedMs.set(address, nowMs);
    this.#segment.announce(address, this.name);
  }

  #wire(): AnswerPort {
    return {
      answer: (address) => this.answered.add(address),
      silence: (address) => this.answered.delete(address),
      announce: (address) => this.#segment.announce(address, this.name),
      defend: (address, against) => this.#defend(address, against),
      probe: (address, _, { count, gapMs, waitMs }, onEnd) =>
        this.#segment.probe(address, this.name, (count - 1) * gapMs + waitMs, onEnd),
    };
  }
}
