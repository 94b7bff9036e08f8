/** Metrics whose values only the announcer's thread knows: it is asked once a scrape. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { familyOf } from '../../net/address.ts';
import { FAMILIES, type Family } from '../../net/family.ts';
import type { ThreadReport } from '../announcer/messages.ts';
import { NO_DURATIONS } from '../responder/durations.ts';
import { CountedHistogram } from './countedHistogram.ts';

const STATES = ['Alive', 'Leaving', 'Dead', 'Unknown'] as const;

type Labelled = readonly (readonly [labels: Record<string, string>, value: number])[];

export function registerAsked(register: Registry, report: () => Promise<ThreadReport>): void {
  const asked = new Asked(report);
  registerNodes(register, asked);
  registerFrames(register, asked);
  registerBeats(register, asked);
}

/** The thread, asked once a scrape, though several metrics are collected then. */
class Asked {
  readonly #report: () => Promise<ThreadReport>;
  #asked: Promise<ThreadReport | undefined> | undefined;

  /** @param report rejects while there is no thread: then nothing is new */
  constructor(report: () => Promise<ThreadReport>) {
    this.#report = report;
  }

  counted(counter: () => Counter, of: (report: ThreadReport) => Labelled): () => Promise<void> {
    return async () => {
      const told = await this.#ask();
      if (told === undefined) return;
      counter().reset();
      for (const [labels, count] of of(told)) counter().inc(labels, count);
    };
  }

  shown(gauge: () => Gauge, of: (report: ThreadReport) => Labelled): () => Promise<void> {
    return async () => {
      const told = await this.#ask();
      for (const [labels, value] of told === undefined ? [] : of(told)) gauge().set(labels, value);
    };
  }

  /** @returns what it says, or what it said last */
  remembered<T>(none: T, of: (report: ThreadReport) => T): () => Promise<T> {
    let last = none;
    return async () => {
      const told = await this.#ask();
      return (last = told === undefined ? last : of(told));
    };
  }

  #ask(): Promise<ThreadReport | undefined> {
    this.#asked ??= this.#report()
      .catch(() => undefined)
      .finally(() => setImmediate(() => (this.#asked = undefined)));
    return this.#asked;
  }
}

function registerNodes(register: Registry, asked: Asked): void {
  const registers = [register];
  const announced: Gauge = new Gauge({
    name: 'kubeipvs_lb_announced',
    help: 'Load balancer addresses that this node announces',
    labelNames: ['family'],
    registers,
    collect: asked.shown(() => announced, announcedByFamily),
  });
  const peers: Gauge = new Gauge({
    name: 'kubeipvs_lb_peers',
    help: 'Other nodes that announce, by how they are heard',
    labelNames: ['state'],
    registers,
    collect: asked.shown(() => peers, peersByState),
  });
  const mismatched: Gauge = new Gauge({
    name: 'kubeipvs_lb_config_mismatch_peers',
    help: 'Other nodes that go by another load balancer configuration than this one',
    registers,
    collect: asked.shown(
      () => mismatched,
      (told) => [[{}, told.peers.filter((peer) => peer.hasSameConfiguration === false).length]],
    ),
  });
}

function registerFrames(register: Registry, asked: Asked): void {
  const registers = [register];
  const announcements: Counter = new Counter({
    name: 'kubeipvs_lb_announcements_total',
    help: 'Frames sent that announce an address or ask for it',
    labelNames: ['kind'],
    registers,
    collect: asked.counted(() => announcements, by('kind', 'announcements')),
  });
  const requests: Counter = new Counter({
    name: 'kubeipvs_lb_requests_total',
    help: 'Frames that ask for an address, by what became of them',
    labelNames: ['family', 'outcome'],
    registers,
    collect: asked.counted(() => requests, requestsByOutcome),
  });
  void new CountedHistogram({
    name: 'kubeipvs_lb_answer_seconds',
    help: 'From when a request for an announced address was read to when its answer was with the kernel',
    registers,
    counts: asked.remembered(NO_DURATIONS, ({ counters }) => counters.answerSeconds),
  });
  const drops: Counter = new Counter({
    name: 'kubeipvs_lb_packet_drops_total',
    help: 'Frames that were lost for want of room, by interface',
    labelNames: ['interface'],
    registers,
    collect: asked.counted(() => drops, by('interface', 'packetDrops')),
  });
}

function registerBeats(register: Registry, asked: Asked): void {
  const registers = [register];
  const dropped: Counter = new Counter({
    name: 'kubeipvs_lb_beats_dropped_total',
    help: 'Heartbeats received that count for nothing',
    labelNames: ['reason'],
    registers,
    collect: asked.counted(() => dropped, by('reason', 'beatsDropped')),
  });
  const unsent: Counter = new Counter({
    name: 'kubeipvs_lb_beats_unsent_total',
    help: 'Heartbeats that could not be sent, by error',
    labelNames: ['code'],
    registers,
    collect: asked.counted(() => unsent, by('code', 'beatsUnsent')),
  });
  const pauses: Counter = new Counter({
    name: 'kubeipvs_lb_pauses_total',
    help: 'Times that this process stood still, after which it answers nothing for a moment',
    registers,
    collect: asked.counted(
      () => pauses,
      ({ counters }) => [[{}, counters.pauses]],
    ),
  });
}

function by(label: string, of: 'announcements' | 'packetDrops' | 'beatsDropped' | 'beatsUnsent') {
  return ({ counters }: ThreadReport): Labelled =>
    Object.entries(counters[of]).map(([value, count]) => [{ [label]: value }, count]);
}

function announcedByFamily({ addresses }: ThreadReport): Labelled {
  const answered = addresses.filter(({ stance }) => stance === 'answering');
  const inFamily = (family: Family) =>
    answered.filter(({ address }) => familyOf(address) === family).length;
  return FAMILIES.map((family) => [{ family }, inFamily(family)]);
}

function peersByState({ peers }: ThreadReport): Labelled {
  return STATES.map((state) => [{ state }, peers.filter((peer) => peer.state === state).length]);
}

function requestsByOutcome({ counters }: ThreadReport): Labelled {
  return Object.entries(counters.requests).map(([key, count]) => {
    const [family = '', outcome = ''] = key.split(' ');
    return [{ family, outcome }, count];
  });
}
