/**
 * Whatever a network does to heartbeats, and whoever sends old ones again: nobody is taken for
 * alive who was not heard, nobody for dead too early or too late, and when all is well again
 * everybody knows of everybody what is true.
 */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { PeerView } from '../../../src/loadbalancer/peers/peerView.ts';
import type { Attachment } from '../../../src/wire/heartbeatBody.ts';
import {
  type Delivery,
  GOOD_LINE,
  type Line,
  type Recording,
  SimulatedNetwork,
} from '../../support/loadbalancer/network.ts';
import { PeerProcess } from '../../support/loadbalancer/peerProcess.ts';
import { randomNumbers } from '../../support/program/randomNumbers.ts';

const NAMES = ['n1', 'n2', 'n3', 'n4', 'n5'];
const ADDRESSES = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1'];
const DEAD_AFTER_MS = 600;
const LOOK_MS = 20;

const line: fc.Arbitrary<Line> = fc.record({
  loss: fc.constantFrom(0, 0.1, 0.5),
  duplication: fc.constantFrom(0, 0.3),
  delayMs: fc.constantFrom([0.1, 0.5] as const, [1, 80] as const),
});
const which = fc.nat(4);
const some = fc.subarray(ADDRESSES);

type Step = (story: Story) => void;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(which, some).map(
      ([i, what]): Step =>
        (s) =>
          s.claim(i, what),
    ),
  },
  fc.tuple(which, some).map(
    ([i, what]): Step =>
      (s) =>
        s.process(i)?.release(what),
  ),
  fc.tuple(which, some).map(
    ([i, what]): Step =>
      (s) =>
        s.changeOther(i, what),
  ),
  which.map(
    (i): Step =>
      (s) =>
        s.crash(i),
  ),
  which.map(
    (i): Step =>
      (s) =>
        s.start(i),
  ),
  which.map(
    (i): Step =>
      (s) =>
        s.network.pause(s.name(i)),
  ),
  which.map(
    (i): Step =>
      (s) =>
        s.resume(i),
  ),
  fc.tuple(which, which).map(
    ([i, k]): Step =>
      (s) =>
        s.network.block(s.name(i), s.name(k)),
  ),
  fc.subarray(NAMES).map(
    (group): Step =>
      (s) =>
        s.network.partition(
          group,
          s.names.filter((n) => !group.includes(n)),
        ),
  ),
  fc.constant<Step>((s) => s.network.heal()),
  line.map((each): Step => (s) => {
    s.network.line = each;
  }),
  {
    weight: 3,
    arbitrary: fc.array(fc.nat(), { maxLength: 20 }).map(
      (drawn): Step =>
        (s) =>
          s.replay(drawn),
    ),
  },
);
const story = fc.array(fc.tuple(step, fc.integer({ min: 0, max: 1_500 })), { maxLength: 25 });

/** An expectation that is cheap where it holds: some ten thousand are looked at in each run. */
function check(isRight: boolean, problem: () => string): void {
  if (!isRight) throw new Error(problem());
}

interface Observation {
  /** the process of the other that is believed */
  bootId: bigint;
  /** it counts from then on, and nothing that was there before */
  first: bigint;
  heardMs: number;
}

/** What one process should think of the others, by what was handed to it. */
class Observer extends PeerProcess {
  readonly observed = new Map<string, Observation>();
  /** highest number that came, by process of others, believed or not */
  readonly highest = new Map<bigint, bigint>();
  /** It stood still until then, and gives everybody their time anew. */
  resumedMs = -Infinity;
  /** every address that it ever claimed */
  readonly everClaimed = new Set<string>();

  noteHighest({ bootId, sequence }: Recording['outgoing']['heartbeat']): void {
    const highest = this.highest.get(bootId) ?? 0n;
    if (sequence > highest) this.highest.set(bootId, sequence);
  }

  wouldAccept({ sequence, bootId }: Recording['outgoing']['heartbeat'], sender: string): boolean {
    const known = this.observed.get(sender);
    return known?.bootId === bootId && sequence > known.first;
  }
}

class Story {
  readonly network: SimulatedNetwork;
  readonly names: readonly string[];
  readonly #random: () => number;
  readonly #processes = new Map<string, Observer>();
  readonly #boots = new Map<bigint, Observer>();
  /** by process that got it */
  readonly #delivered = new Map<Recording, Set<bigint>>();

  constructor(count: number, seed: number) {
    this.names = NAMES.slice(0, count);
    this.#random = randomNumbers(seed);
    this.network = new SimulatedNetwork({ random: this.#random });
    this.network.onDelivery = (delivery) => this.#watch(delivery);
    this.names.forEach((_, i) => this.start(i));
  }

  name(index: number): string {
    return this.names[index % this.names.length]!;
  }

  process(index: number): Observer | undefined {
    return this.#processes.get(this.name(index));
  }

  start(index: number): void {
    const name = this.name(index);
    const others = this.names.filter((each) => each !== name);
    const process = new Observer(name, others, { random: this.#random });
    this.#processes.set(name, process);
    this.#boots.set(process.bootId, process);
    this.network.start(process);
  }

  crash(index: number): void {
    this.#processes.delete(this.name(index));
    this.network.crash(this.name(index));
  }

  resume(index: number): void {
    const process = this.process(index);
    if (process !== undefined) process.resumedMs = this.network.nowMs;
    this.network.resume(this.name(index));
  }

  claim(index: number, addresses: readonly string[]): void {
    const process = this.process(index);
    for (const address of addresses) process?.everClaimed.add(address);
    process?.own({ ...process.state, claims: new Set(addresses) });
  }

  changeOther(index: number, addresses: readonly string[]): void {
    const attachments = addresses
      .filter((address) => !address.includes(':'))
      .map((address): Attachment => ({
        interfaceName: 'eth0',
        mac: '02:00:00:00:00:01',
        address,
        prefixLength: 24,
        hasDefaultRoute: false,
      }));
    const process = this.process(index);
    process?.own({ ...process.state, unable: new Set(addresses), attachments });
  }

  /** Recordings of what came to somebody of that name before. */
  replay(drawn: readonly number[]): void {
    const recordings = [...this.#delivered.keys()];
    if (recordings.length === 0) return;
    for (const number of drawn) this.network.replay(recordings[number % recordings.length]!);
  }

  run(ms: number): void {
    for (let leftMs = ms; leftMs > 0; leftMs -= LOOK_MS) {
      this.network.run(Math.min(LOOK_MS, leftMs));
      this.#look();
    }
  }

  /** All is well from now on, and there was time enough for everybody to hear of it. */
  settle(quietMs: number, last: Line): void {
    this.network.heal();
    this.network.line = last;
    this.names.forEach((_, i) => this.resume(i));
    this.run(quietMs);
  }

  /** What everybody thinks of everybody, beside what is true, by `observer>observed`. */
  opinions(): { readonly seen: Map<string, unknown>; readonly truth: Map<string, unknown> } {
    const seen = new Map<string, unknown>();
    const truth = new Map<string, unknown>();
    for (const process of this.#processes.values()) {
      for (const [name, view] of process.peers.view(this.network.nowMs)) {
        const key = `${process.name}>${name}`;
        const other = this.#processes.get(name);
        seen.set(key, told(view));
        truth.set(key, other === undefined ? GONE : truthOf(other));
      }
    }
    return { seen, truth };
  }

  /** Whoever is alive to somebody is known by its claims. */
  checkClaims(): void {
    for (const process of this.#processes.values()) {
      for (const [name, seen] of process.peers.view(this.network.nowMs)) {
        const { claims } = this.#processes.get(name)?.state ?? { claims: new Set() };
        if (seen.state === 'Alive') check(sameNames(seen.claims, claims), () => `of ${name}`);
      }
    }
  }

  /** Looks at what a datagram does to who gets it. */
  #watch({ recording, to, kind }: Delivery): void {
    const process = this.#processes.get(to)!;
    const { sender, outgoing } = recording;
    const { heartbeat } = outgoing;
    const { nowMs } = this.network;
    const got = this.#delivered.get(recording) ?? new Set();
    const isNew = kind !== 'replay' && !got.has(process.bootId);
    this.#delivered.set(recording, got.add(process.bootId));
    if (isNew) {
      const mustCount = process.wouldAccept(heartbeat, sender);
      process.onReceived = (refusal) => {
        check(!mustCount || refusal === undefined, () => `${sender} to ${to}: ${refusal}`);
        if (refusal === undefined) observe(process, recording, nowMs);
        process.noteHighest(heartbeat);
      };
      return;
    }
    const before = process.peers.view(nowMs);
    process.onReceived = (refusal) => {
      const isRefused = refusal === 'replay' || refusal === 'unacceptedBoot';
      check(isRefused, () => `a replay of ${sender} to ${to}: ${refusal}`);
      const after = process.peers.view(nowMs);
      check(areSame(before, after), () => `a replay of ${sender} changed what ${to} knows`);
    };
  }

  #look(): void {
    const { nowMs } = this.network;
    for (const process of this.#processes.values()) {
      if (this.network.isPaused(process.name)) continue;
      for (const [name, seen] of process.peers.view(nowMs)) this.#judge(process, name, seen);
    }
  }

  #judge(process: Observer, name: string, seen: PeerView): void {
    const known = process.observed.get(name);
    if (known === undefined) {
      const isUnknown = seen.state === 'Unknown' && !seen.hearsUs && !seen.attachments;
      check(isUnknown, () => `${process.name} never heard ${name}: ${seen.state}`);
      check(!process.peers.everHeard.has(name), () => `${name} is among those ever heard`);
      return;
    }
    const { nowMs } = this.network;
    const isHeard = nowMs - known.heardMs < DEAD_AFTER_MS;
    const isForgiven = nowMs - process.resumedMs < DEAD_AFTER_MS;
    const allowed = isHeard ? ['Alive'] : ['Dead', ...(isForgiven ? ['Alive'] : [])];
    check(
      allowed.includes(seen.state),
      () => `${name} is ${seen.state} to ${process.name} after ${nowMs - known.heardMs} ms`,
    );
    const { everClaimed } = this.#boots.get(known.bootId)!;
    const foreign = [...seen.claims].filter((address) => !everClaimed.has(address));
    check(foreign.length === 0, () => `${name} never claimed ${foreign.join()}`);
  }
}

function observe(process: Observer, { sender, outgoing }: Recording, heardMs: number): void {
  const { bootId, sequence } = outgoing.heartbeat;
  const known = process.observed.get(sender);
  const before = process.highest.get(bootId) ?? 0n;
  const accepted = before > sequence ? before : sequence;
  const first = known?.bootId === bootId ? known.first : accepted;
  process.observed.set(sender, { bootId, first, heardMs });
}

/** Field by field: sets are the same objects as long as they hold the same. */
function areSame(
  one: ReadonlyMap<string, PeerView>,
  other: ReadonlyMap<string, PeerView>,
): boolean {
  return [...one].every(([name, view]) => {
    const again = other.get(name)!;
    return Object.entries(view).every(([key, value]) => again[key as keyof PeerView] === value);
  });
}

function sameNames(one: ReadonlySet<unknown>, other: ReadonlySet<unknown>): boolean {
  return one.size === other.size && [...one].every((each) => other.has(each));
}

const GONE = { isAlive: false, claims: new Set() };

function told(view: PeerView) {
  const { state, claims, hearsUs, isReady, unable, attachments } = view;
  const isAlive = state === 'Alive';
  return isAlive ? { isAlive, hearsUs, isReady, claims, unable, attachments } : { isAlive, claims };
}

function truthOf({ state }: Observer) {
  const { claims, unable, attachments } = state;
  return { isAlive: true, hearsUs: true, isReady: true, claims, unable, attachments };
}

const given = fc.tuple(fc.integer({ min: 2, max: 5 }), fc.nat(), story);

function live(count: number, seed: number, steps: readonly (readonly [Step, number])[]): Story {
  const lived = new Story(count, seed);
  for (const [act, ms] of steps) {
    act(lived);
    lived.run(ms);
  }
  return lived;
}

test('after a heal and a quiet while everybody knows what is true', () => {
  fc.assert(
    fc.property(given, (drawn) => {
      const lived = live(...drawn);
      lived.settle(2_500, GOOD_LINE);
      const { seen, truth } = lived.opinions();
      expect(seen).toEqual(truth);
    }),
    { numRuns: 200 },
  );
});

test('where one datagram of ten is lost, what is missing is asked for until it is there', () => {
  fc.assert(
    fc.property(given, (drawn) => {
      const lived = live(...drawn);
      lived.settle(4_000, { loss: 0.1, duplication: 0.1, delayMs: [1, 20] });
      lived.checkClaims();
    }),
    { numRuns: 100 },
  );
});
