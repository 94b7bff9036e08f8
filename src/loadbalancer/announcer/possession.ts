/**
 * Taking and giving: carries out what duties.ts says of an address, on the wire and in what this
 * node claims.
 */
import type { Address } from '../../net/address.ts';
import type { Ballots } from './ballots.ts';
import { ChangingSet } from './changingSet.ts';
import type { Charge } from './charge.ts';
import type { ClaimIndex } from './claimIndex.ts';
import type { Duty, Stance } from './duties.ts';
import type { Move, MoveWhy } from './move.ts';
import type { AnswerPort, ForeignAnswer, PeerBook, ProbeRounds } from './ports.ts';
import type { Surroundings } from './surroundings.ts';

export interface PossessionParts {
  /** this node's name */
  readonly node: string;
  readonly intervalMs: number;
  /** by the others, after so long a silence */
  readonly deadAfterMs: number;
  readonly around: Surroundings;
  readonly ballots: Ballots;
  readonly others: ClaimIndex;
  readonly wire: AnswerPort;
  readonly peers: Pick<PeerBook, 'release'>;
  /** to be looked at again at once */
  readonly again: (address: Address) => void;
  readonly onMove: (move: Move) => void;
  readonly onConflict: (address: Address, answer: ForeignAnswer) => void;
}

/** A new address is not in the kernel at once; who cannot serve it by then says so. */
export const UNABLE_AFTER_MS = 1_000;
/** What somebody else answers for is asked about again. */
const HELD_OFF_MS = 5_000;
/** So long the wire's silence is believed. */
const PROBE_HOLDS_MS = 1_000;
/** A paused process hears what was said meanwhile before it answers again. */
const PAUSE_INTERVALS = 2;
const MAX_TURN = 10;
const TURN_MS = 1_000;

const PROBES: ProbeRounds = { count: 2, gapMs: 100, waitMs: 150 };
const PROBES_ALONE: ProbeRounds = { count: 3, gapMs: 1_000, waitMs: 1_000 };

export class Possession {
  readonly #parts: PossessionParts;
  /** what this node says that it answers for; also in a short pause */
  readonly claims = new ChangingSet();
  /** what it cannot serve, or has given up on purpose */
  readonly unable: ChangingSet;

  constructor(parts: PossessionParts, unable: ChangingSet) {
    this.#parts = parts;
    this.unable = unable;
  }

  fulfil(duty: Duty, charge: Charge, nowMs: number): void {
    const { address } = charge.announced;
    switch (duty) {
      case 'nothing':
        if (charge.outcome?.node !== this.#parts.node) charge.unservableSinceMs = undefined;
        return;
      case 'take':
        return this.#take(charge, nowMs);
      case 'resume':
        this.claims.add(address);
        return this.#answer(charge, nowMs);
      case 'probe':
        return this.#probe(charge, PROBES, nowMs);
      case 'probeAlone':
        return this.#probeInTurn(charge, nowMs);
      case 'stopProbing':
        charge.probe += 1;
        return enter(charge, 'idle', nowMs);
      case 'declareUnable':
        charge.unservableSinceMs ??= nowMs;
        if (nowMs - charge.unservableSinceMs >= UNABLE_AFTER_MS) this.unable.add(address);
        return;
      case 'handOver':
        return this.leave(charge, 'handedOver', nowMs);
      case 'release':
        return this.#release(charge, nowMs);
    }
  }

  leave(charge: Charge, why: MoveWhy, nowMs: number): void {
    const { address } = charge.announced;
    charge.probe += 1;
    charge.interfaces = [];
    if (charge.stance !== 'probing') this.#parts.wire.silence(address);
    const wasOurs = charge.stance === 'answering' || charge.stance === 'suspended';
    enter(charge, 'idle', nowMs);
    this.claims.delete(address);
    if (wasOurs) this.#parts.onMove({ address, isOurs: false, why, interfaces: [] });
  }

  /** Who has it says so himself: what the wire said before is of no interest any more. */
  seenAt(charge: Charge, node: string): void {
    charge.lastOwner = node;
    charge.mustProbe = false;
    charge.heldOffUntilMs = -Infinity;
  }

  /** To somebody who is not heard, and whom the wire shows. */
  yield(charge: Charge, nowMs: number): void {
    this.leave(charge, 'yielded', nowMs);
    charge.mustProbe = true;
    charge.heldOffUntilMs = nowMs + HELD_OFF_MS;
    this.#parts.again(charge.announced.address);
  }

  /**
   * Nothing is answered until it is known who has it now. After a pause in which others may have
   * taken this node for dead it is not claimed either: they would give way to who does not know of
   * them.
   */
  suspend(charge: Charge, forMs: number, nowMs: number): void {
    const { wire, intervalMs, deadAfterMs } = this.#parts;
    const { address } = charge.announced;
    wire.silence(address);
    if (forMs + intervalMs >= deadAfterMs) this.claims.delete(address);
    enter(charge, 'suspended', nowMs);
    charge.suspendedUntilMs = nowMs + PAUSE_INTERVALS * intervalMs;
  }

  /** The same node, by other interfaces: one came, or went. */
  follow(charge: Charge, interfaces: readonly string[]): void {
    if (String(interfaces) === String(charge.interfaces)) return;
    const { wire } = this.#parts;
    charge.interfaces = interfaces;
    wire.answer(charge.announced.address, interfaces);
    wire.announce(charge.announced.address);
  }

  #take(charge: Charge, nowMs: number): void {
    const { node, around, onMove } = this.#parts;
    const { address } = charge.announced;
    const why = this.#whyTaken(charge);
    const owner = charge.lastOwner ?? node;
    // One that still runs has nothing to say any more.
    charge.probe += 1;
    this.#answer(charge, nowMs);
    this.claims.add(address);
    charge.lastOwner = node;
    charge.mustProbe = false;
    charge.unservableSinceMs = undefined;
    const silenceMs = around.view.get(owner)?.silenceMs;
    const { interfaces } = charge;
    const move = { address, isOurs: true, why, interfaces };
    onMove(why === 'failover' && silenceMs !== undefined ? { ...move, silenceMs } : move);
  }

  #whyTaken({ announced, lastOwner }: Charge): MoveWhy {
    const { node, others, around } = this.#parts;
    if (others.of(announced.address).size > 0) return 'handedOver';
    if (lastOwner === undefined || lastOwner === node) return 'first';
    return around.view.get(lastOwner)?.state === 'Dead' ? 'failover' : 'handedOver';
  }

  #answer(charge: Charge, nowMs: number): void {
    const { wire } = this.#parts;
    const { address } = charge.announced;
    charge.interfaces = charge.outcome?.interfaces ?? [];
    enter(charge, 'answering', nowMs);
    wire.answer(address, charge.interfaces);
    wire.announce(address);
  }

  /** Others cannot know why, so they are told at once that nobody has it. */
  #release(charge: Charge, nowMs: number): void {
    const { address } = charge.announced;
    this.leave(charge, 'released', nowMs);
    this.#parts.peers.release([address]);
    // As long as it cannot be served here, the others must not elect this node again.
    if (charge.outcome?.node === this.#parts.node) {
      this.unable.add(address);
      charge.unservableSinceMs = nowMs;
    }
    this.#parts.again(address);
  }

  #probeInTurn(charge: Charge, nowMs: number): void {
    const { announced } = charge;
    charge.turnMs ??= nowMs + this.#parts.ballots.turn(announced, nowMs, MAX_TURN) * TURN_MS;
    if (nowMs >= charge.turnMs) this.#probe(charge, PROBES_ALONE, nowMs);
  }

  #probe(charge: Charge, rounds: ProbeRounds, nowMs: number): void {
    const { address } = charge.announced;
    const ticket = ++charge.probe;
    enter(charge, 'probing', nowMs);
    const interfaces = charge.outcome?.interfaces ?? [];
    this.#parts.wire.probe(address, interfaces, rounds, (answer, endMs) => {
      if (charge.probe === ticket) this.#probed(charge, answer, endMs);
    });
  }

  #probed(charge: Charge, answer: ForeignAnswer | undefined, nowMs: number): void {
    const { around, again, onConflict } = this.#parts;
    const { address } = charge.announced;
    enter(charge, 'idle', nowMs);
    if (answer === undefined) charge.freeUntilMs = nowMs + PROBE_HOLDS_MS;
    else {
      charge.mustProbe = true;
      charge.heldOffUntilMs = nowMs + HELD_OFF_MS;
      const isStranger = around.nodeOfMac(answer.mac) === undefined && !around.isAlone;
      if (isStranger) onConflict(address, answer);
    }
    again(address);
  }
}

function enter(charge: Charge, stance: Stance, nowMs: number): void {
  charge.stance = stance;
  charge.sinceMs = nowMs;
}
