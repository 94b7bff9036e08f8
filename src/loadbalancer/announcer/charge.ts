/** What this node remembers of one address that the cluster announces. */
import type { Address } from '../../net/address.ts';
import type { AnnouncedAddress } from '../announcement.ts';
import type { Outcome } from '../election.ts';
import type { Stance } from './duties.ts';

export interface Charge {
  announced: AnnouncedAddress;
  stance: Stance;
  /** that answer, while this node has it */
  interfaces: readonly string[];
  /** monotonic, ms: since when its stance is what it is */
  sinceMs: number;
  /** as of the last look */
  outcome: Outcome | undefined;
  /** who claimed it last, this node among them; undefined: nobody ever did */
  lastOwner: string | undefined;
  /** somebody else was seen to have it: the wire is asked before it is taken again */
  mustProbe: boolean;
  /** the wire was asked and nobody answered: holds for a moment */
  freeUntilMs: number;
  heldOffUntilMs: number;
  /** while nobody is heard: when its turn comes; undefined: it has not been reckoned */
  turnMs: number | undefined;
  /** given up on purpose: others come first so long */
  releasedUntilMs: number;
  /** undefined: it is servable, or not ours to serve */
  unservableSinceMs: number | undefined;
  suspendedUntilMs: number;
  /** of the probe that runs: an older one's end is no news */
  probe: number;
}

export function newCharge(announced: AnnouncedAddress, nowMs: number): Charge {
  return {
    announced,
    stance: 'idle',
    interfaces: [],
    sinceMs: nowMs,
    outcome: undefined,
    lastOwner: undefined,
    mustProbe: false,
    freeUntilMs: -Infinity,
    heldOffUntilMs: -Infinity,
    turnMs: undefined,
    releasedUntilMs: -Infinity,
    unservableSinceMs: undefined,
    suspendedUntilMs: -Infinity,
    probe: 0,
  };
}

/** When something about it changes by time alone; Infinity: never. */
export function wakesAt(charge: Charge, nowMs: number, unableAfterMs: number): number {
  const { heldOffUntilMs, turnMs, releasedUntilMs, suspendedUntilMs, unservableSinceMs } = charge;
  const times = [heldOffUntilMs, turnMs ?? -Infinity, releasedUntilMs, suspendedUntilMs];
  if (unservableSinceMs !== undefined) times.push(unservableSinceMs + unableAfterMs);
  return Math.min(Infinity, ...times.filter((at) => at > nowMs));
}

/** Addresses that are to be looked at again, in the order in which they came. */
export class Agenda {
  readonly #due = new Set<Address>();
  /** by when they become due by themselves */
  readonly #waiting = new Map<Address, number>();

  get isEmpty(): boolean {
    return this.#due.size === 0;
  }

  add(addresses: Iterable<Address>): void {
    for (const address of addresses) this.#due.add(address);
  }

  wake(address: Address, atMs: number): void {
    if (atMs === Infinity) this.#waiting.delete(address);
    else this.#waiting.set(address, atMs);
  }

  /** @returns up to so many that are due, which they are not from then on */
  *take(nowMs: number, limit: number): Generator<Address> {
    for (const [address, atMs] of this.#waiting) {
      if (atMs > nowMs) continue;
      this.#waiting.delete(address);
      this.#due.add(address);
    }
    let left = limit;
    for (const address of this.#due) {
      if (left-- === 0) return;
      this.#due.delete(address);
      yield address;
    }
  }
}
