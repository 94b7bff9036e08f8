/**
 * When which announcement is sent: five rounds at a take-over, one now and then for as long as the
 * address is held, and never more on an interface than a switch and its stations can take. Told the
 * time and given randomness; it sends nothing.
 */
import type { Address } from '../../net/address.ts';
import { frameCount, MOST_FRAMES, type SendingKind } from './announcementFrames.ts';
import { RefreshSchedule } from './refreshSchedule.ts';

export interface Sending {
  readonly kind: SendingKind;
  readonly address: Address;
  readonly interfaceName: string;
}

export interface PacerOptions {
  /** 0: no refresh */
  readonly refreshIntervalMs: number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

/** From one round of a take-over to the next: at 0, 100, 300, 1,000 and 2,000 ms. */
const GAPS_MS = [100, 200, 700, 1000];
/**
 * On one interface, in any time of that length. The shorter one is for the sender: answers wait
 * while frames are sent.
 */
const LIMITS = [
  { ms: 10, frames: 200 },
  { ms: 2, frames: 50 },
];
const LONGEST_MS = Math.max(...LIMITS.map(({ ms }) => ms));

export class Pacer {
  readonly #lanes = new Map<string, Lane>();
  readonly #refreshes: RefreshSchedule;

  constructor(options: PacerOptions) {
    this.#refreshes = new RefreshSchedule(options);
  }

  /** From now on refreshed on these interfaces, for the first time at a random moment. */
  hold(address: Address, interfaces: readonly string[], nowMs: number): void {
    this.#refreshes.add(address, interfaces, nowMs);
  }

  /** All that is due or to come for the address ends, but for probes. */
  drop(address: Address): void {
    this.#refreshes.delete(address);
    for (const lane of this.#lanes.values()) lane.drop(address);
  }

  /** All rounds anew, from the first. */
  announce(address: Address, interfaces: readonly string[], nowMs: number): void {
    for (const name of interfaces) this.#lane(name).announce(address, nowMs);
  }

  /** Once, before everything that may wait. */
  once(kind: 'defence' | 'probe', address: Address, name: string): void {
    this.#lane(name).once(kind, address);
  }

  /** The interface went; what was due on it is not made up for. */
  forget(interfaceName: string): void {
    this.#lanes.delete(interfaceName);
  }

  /**
   * What is to be sent now, in this order: first rounds of all before second ones, refreshes last.
   * It counts as sent.
   */
  take(nowMs: number): readonly Sending[] {
    for (const { address, interfaces } of this.#refreshes.take(nowMs)) {
      for (const name of interfaces) this.#lane(name).refresh(address, nowMs);
    }
    return [...this.#lanes].flatMap(([interfaceName, lane]) =>
      lane.take(nowMs).map((each) => ({ ...each, interfaceName })),
    );
  }

  /** When to {@link take} again; Infinity: nothing will be due. */
  nextMs(nowMs: number): number {
    const lanes = [...this.#lanes.values()].map((lane) => lane.nextMs(nowMs));
    return Math.min(this.#refreshes.nextMs, ...lanes);
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name) ?? new Lane();
    this.#lanes.set(name, lane);
    return lane;
  }
}

interface Due {
  readonly kind: SendingKind;
  readonly address: Address;
}

/** Of one interface: queues by urgency, each in the order in which it becomes due. */
class Lane {
  /** at once */
  readonly #once = new Map<string, Due>();
  /** by round; a queue's dates rise, since all of it waits equally long */
  readonly #rounds = [0, ...GAPS_MS].map(() => new Map<Address, number>());
  readonly #refreshes = new Map<Address, number>();
  #sent: { readonly atMs: number; readonly frames: number }[] = [];

  announce(address: Address, nowMs: number): void {
    for (const round of this.#rounds) round.delete(address);
    this.#rounds[0]!.set(address, nowMs);
  }

  once(kind: 'defence' | 'probe', address: Address): void {
    this.#once.set(`${kind} ${address}`, { kind, address });
  }

  refresh(address: Address, nowMs: number): void {
    this.#refreshes.set(address, nowMs);
  }

  drop(address: Address): void {
    this.#once.delete(`defence ${address}`);
    this.#refreshes.delete(address);
    for (const round of this.#rounds) round.delete(address);
  }

  take(nowMs: number): readonly Due[] {
    const room = this.#room(nowMs);
    const taken: Due[] = [];
    let frames = 0;
    for (const due of this.#due(nowMs)) {
      taken.push(due);
      frames += frameCount(due.kind, due.address);
      if (room - frames < MOST_FRAMES) break;
    }
    if (frames > 0) this.#sent.push({ atMs: nowMs, frames });
    return taken;
  }

  nextMs(nowMs: number): number {
    const queues = [...this.#rounds, this.#refreshes].map((queue) => firstOf(queue.values()));
    const dueMs = this.#once.size > 0 ? nowMs : Math.min(...queues);
    return Math.max(dueMs, this.#roomAtMs(nowMs));
  }

  #room(nowMs: number): number {
    this.#sent = this.#sent.filter(({ atMs }) => atMs + LONGEST_MS > nowMs);
    return Math.min(...LIMITS.map(({ ms, frames }) => frames - this.#framesWithin(ms, nowMs)));
  }

  #framesWithin(ms: number, nowMs: number): number {
    return this.#sent.reduce(
      (sum, { atMs, frames }) => (atMs + ms > nowMs ? sum + frames : sum),
      0,
    );
  }

  /** When something can be sent again; in the past: now. */
  #roomAtMs(nowMs: number): number {
    const ends = LIMITS.map(({ ms, frames }) => {
      if (frames - this.#framesWithin(ms, nowMs) >= MOST_FRAMES) return -Infinity;
      return this.#sent.find(({ atMs }) => atMs + ms > nowMs)!.atMs + ms;
    });
    return Math.max(...ends);
  }

  /** In the order of urgency; what is asked for leaves its queue. */
  *#due(nowMs: number): Generator<Due> {
    if (this.#room(nowMs) < MOST_FRAMES) return;
    for (const [key, due] of this.#once) {
      this.#once.delete(key);
      yield due;
    }
    for (const [round, queue] of this.#rounds.entries()) {
      for (const address of takeDue(queue, nowMs)) {
        const gapMs = GAPS_MS[round];
        if (gapMs !== undefined) this.#rounds[round + 1]!.set(address, nowMs + gapMs);
        yield { kind: 'takeover', address };
      }
    }
    for (const address of takeDue(this.#refreshes, nowMs)) yield { kind: 'refresh', address };
  }
}

function firstOf(values: Iterable<number>): number {
  for (const value of values) return value;
  return Infinity;
}

function* takeDue(queue: Map<Address, number>, nowMs: number): Generator<Address> {
  for (const [address, dueMs] of queue) {
    if (dueMs > nowMs) return;
    queue.delete(address);
    yield address;
  }
}
