/**
 * Announces what falls to this node: for each address of the cluster it elects, as every other node
 * does, and takes, gives and claims by what comes out (duties.ts). It knows no socket and no clock:
 * whoever drives it tells the time and carries out what it asks of the wire.
 */
import type { AnnouncerSettings } from '../../config/loadBalancer/settings.ts';
import type { Address } from '../../net/address.ts';
import type { AnnouncedAddress } from '../announcement.ts';
import type { Outcome } from '../election.ts';
import { Ballots } from './ballots.ts';
import { ChangingSet } from './changingSet.ts';
import { Agenda, type Charge, newCharge, wakesAt } from './charge.ts';
import { ClaimIndex } from './claimIndex.ts';
import { dutyOf, type Situation } from './duties.ts';
import type { MemberNode } from './electors.ts';
import type { Move } from './move.ts';
import type { AnswerPort, ForeignAnswer, PeerBook } from './ports.ts';
import { Possession, UNABLE_AFTER_MS } from './possession.ts';
import { type OwnFacts, Surroundings } from './surroundings.ts';
import { Unannounced } from './unannounced.ts';

export interface AnnouncerOptions {
  /** this node's name */
  readonly node: string;
  readonly settings: AnnouncerSettings;
  readonly sha256: (text: string) => string;
  readonly peers: PeerBook;
  readonly wire: AnswerPort;
  readonly onMove: (move: Move) => void;
  /** a stranger answers for an address of the cluster */
  readonly onConflict: (address: Address, answer: ForeignAnswer) => void;
}

/** Young nodes may become old enough for what they are preferred for. */
const REVIEW_MS = 1_000;

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #around: Surroundings;
  readonly #ballots: Ballots;
  readonly #possession: Possession;
  readonly #charges = new Map<Address, Charge>();
  readonly #others = new ClaimIndex();
  readonly #agenda = new Agenda();
  readonly #unannounced = new Unannounced();
  #servable: ReadonlySet<Address> = new Set();
  #nextReviewMs = 0;
  /** what holds for all addresses, as of the last look */
  #standing = '';

  constructor(options: AnnouncerOptions, nowMs: number) {
    const { node, settings, wire, peers, onMove, onConflict } = options;
    const { intervalMs, misses } = settings.heartbeat;
    const unable = new ChangingSet();
    const around = new Surroundings(node, settings, unable, nowMs);
    this.#options = options;
    this.#around = around;
    this.#ballots = new Ballots(options, around);
    this.#possession = new Possession(
      {
        node,
        intervalMs,
        deadAfterMs: misses * intervalMs,
        around,
        ballots: this.#ballots,
        others: this.#others,
        wire,
        peers,
        again: (address) => this.#agenda.add([address]),
        onMove,
        onConflict,
      },
      unable,
    );
  }

  /** What this node says that it answers for. */
  get claims(): ReadonlySet<Address> {
    return this.#possession.claims;
  }

  get charges(): ReadonlyMap<Address, Readonly<Charge>> {
    return this.#charges;
  }

  get surroundings(): Surroundings {
    return this.#around;
  }

  /** Who claims it, this node among them. */
  owners(address: Address): ReadonlySet<string> {
    const others = this.#others.of(address);
    const isHere = this.claims.has(address) || this.#charges.get(address)?.stance === 'suspended';
    return isHere ? new Set([...others, this.#options.node]) : others;
  }

  setAddress(announced: AnnouncedAddress, nowMs: number): void {
    const { address } = announced;
    const known = this.#charges.get(address);
    if (known === undefined) this.#charges.set(address, newCharge(announced, nowMs));
    else known.announced = announced;
    this.#agenda.add([address]);
  }

  removeAddress(address: Address, nowMs: number): void {
    const charge = this.#charges.get(address);
    if (charge === undefined) return;
    if (charge.stance !== 'idle') this.#possession.leave(charge, 'gone', nowMs);
    this.#charges.delete(address);
    this.#agenda.wake(address, Infinity);
    this.#unannounced.note(address, undefined, nowMs);
    this.#possession.unable.delete(address);
  }

  setMembers(members: ReadonlyMap<string, MemberNode>): void {
    this.#around.setMembers(members);
    this.#reviewAll();
  }

  setOwn(own: OwnFacts, nowMs: number): void {
    // Others may have had everything meanwhile, and nobody could say so.
    if (this.#around.setOwn(own, nowMs) === 'back')
      for (const charge of this.#charges.values()) charge.mustProbe = true;
    this.#reviewAll();
  }

  /** @param changed whose answer is another one now */
  setServable(servable: ReadonlySet<Address>, changed: Iterable<Address>): void {
    this.#servable = servable;
    this.#agenda.add(changed);
  }

  /**
   * Gives addresses up on purpose: each goes on being answered until another node has it.
   *
   * @returns those that no other node may announce, which stay
   */
  release(addresses: Iterable<Address>, nowMs: number): readonly Address[] {
    const stay: Address[] = [];
    for (const address of addresses) {
      const charge = this.#charges.get(address);
      if (charge === undefined || !this.claims.has(address)) continue;
      if (this.#ballots.successor(charge.announced, nowMs) === undefined) {
        stay.push(address);
        continue;
      }
      charge.releasedUntilMs = nowMs + this.#options.settings.holdDownMs;
      this.#possession.unable.add(address);
      this.#agenda.add([address]);
    }
    return stay;
  }

  /** The process stood still: others may have what was ours. @param forMs so long */
  paused(forMs: number, nowMs: number): void {
    for (const charge of this.#charges.values()) {
      const { stance } = charge;
      if (stance === 'answering' || stance === 'suspended')
        this.#possession.suspend(charge, forMs, nowMs);
      else if (stance === 'probing') this.#possession.leave(charge, 'released', nowMs);
    }
    this.#reviewAll();
  }

  /** A frame from somebody else says that an address of the cluster is his. */
  heard(address: Address, answer: ForeignAnswer, isAnnouncement: boolean, nowMs: number): void {
    const charge = this.#charges.get(address);
    const rival = this.#around.nodeOfMac(answer.mac);
    // Whom we hear says himself what he claims.
    if (charge === undefined || (rival !== undefined && this.#around.isHeard(rival))) return;
    const { isAlone } = this.#around;
    if (rival === undefined && !isAlone) this.#options.onConflict(address, answer);
    if (charge.stance !== 'answering') return;
    const isBehind =
      rival === undefined ? isAlone : this.#ballots.isBehind(charge.announced, rival, nowMs);
    if (isAnnouncement && isBehind) this.#possession.yield(charge, nowMs);
    else this.#options.wire.defend(address, rival === undefined ? 'stranger' : 'node');
  }

  /**
   * What is to be told of by this node: an address that nobody announces, or may. All nodes find
   * the same ones, and the first of them in an order of the address's own tells.
   *
   * @returns each once for each cause
   */
  takeUnannounced(nowMs: number): readonly Address[] {
    const around = this.#around;
    // Who hears nobody does not know what others announce.
    if (!around.mayTake(nowMs) || around.isAlone || around.isCutOff(nowMs)) return [];
    const due = [...this.#unannounced.due(nowMs)].filter(
      (address) => this.owners(address).size === 0,
    );
    for (const address of due) this.#unannounced.told(address);
    return due.filter((address) => this.#ballots.isSpeaker(address, nowMs));
  }

  /**
   * Looks at what has changed, and tells the peers.
   *
   * @param limit so many addresses at most
   * @returns whether there is more to look at
   */
  tick(nowMs: number, limit: number): boolean {
    this.#look(nowMs);
    for (const address of this.#agenda.take(nowMs, limit)) this.#settle(address, nowMs);
    this.#tell(nowMs);
    return !this.#agenda.isEmpty;
  }

  #look(nowMs: number): void {
    const { peers } = this.#options;
    const view = peers.view(nowMs);
    // First those whose owner went: nobody answers for them.
    this.#agenda.add(this.#others.update(view));
    const isOtherwise = this.#around.setView(view, peers.everHeard);
    this.#around.listen(nowMs);
    const standing = `${this.#around.isCutOff(nowMs)} ${this.#around.mayTake(nowMs)}`;
    let isOlder = false;
    if (nowMs >= this.#nextReviewMs) {
      this.#nextReviewMs = nowMs + REVIEW_MS;
      isOlder = this.#around.age(nowMs);
    }
    if (isOtherwise || isOlder || standing !== this.#standing) this.#reviewAll();
    this.#standing = standing;
  }

  #reviewAll(): void {
    this.#agenda.add(this.#charges.keys());
  }

  #settle(address: Address, nowMs: number): void {
    const charge = this.#charges.get(address);
    if (charge === undefined) return;
    this.#reviewUnable(charge, nowMs);
    this.#possession.fulfil(dutyOf(this.#situation(charge, nowMs)), charge, nowMs);
    this.#agenda.wake(address, wakesAt(charge, nowMs, UNABLE_AFTER_MS));
  }

  /** What could not be served can, and what was given up may come back. */
  #reviewUnable({ announced: { address }, releasedUntilMs }: Charge, nowMs: number): void {
    if (releasedUntilMs <= nowMs && this.#servable.has(address))
      this.#possession.unable.delete(address);
  }

  /** What was given up on purpose is taken back where nobody else may have it any more. */
  #elect(charge: Charge, nowMs: number): Outcome {
    const owners = this.owners(charge.announced.address);
    const outcome = this.#ballots.winner(charge.announced, owners, nowMs);
    if (outcome.node !== undefined || charge.releasedUntilMs <= nowMs) return outcome;
    charge.releasedUntilMs = nowMs;
    this.#reviewUnable(charge, nowMs);
    return this.#ballots.winner(charge.announced, owners, nowMs);
  }

  #situation(charge: Charge, nowMs: number): Situation {
    const { node, settings } = this.#options;
    const { address } = charge.announced;
    const others = this.#others.of(address);
    const outcome = this.#elect(charge, nowMs);
    const isElected = outcome.node === node;
    const { isAlone } = this.#around;
    charge.outcome = outcome;
    // A pool that is announced nowhere is a router's.
    const isAnnouncedNowhere = charge.announced.pool?.announce.length === 0;
    this.#unannounced.note(address, isAnnouncedNowhere ? undefined : outcome.cause, nowMs);
    if (!isElected || !isAlone) charge.turnMs = undefined;
    for (const other of others) this.#possession.seenAt(charge, other);
    if (isElected && charge.stance === 'answering')
      this.#possession.follow(charge, outcome.interfaces);
    return {
      stance: charge.stance,
      isElected,
      isNobody: outcome.node === undefined,
      isTaken: outcome.node !== undefined && others.has(outcome.node),
      isClaimed: others.size > 0,
      isClaimedByDeaf: this.#around.isAnyDeaf(others),
      keepersInOutage: this.#around.keepers(others, address),
      needsProbe:
        charge.mustProbe ||
        (settings.probeBeforeUse && charge.lastOwner === undefined) ||
        this.#hasLetGo(charge, others, nowMs),
      isProbed: charge.freeUntilMs > nowMs,
      isServable: this.#servable.has(address),
      mayTake: this.#around.mayTake(nowMs),
      mustDrop: this.#around.isCutOff(nowMs),
      isLeaving: this.#around.own.isLeaving,
      isAlone,
      isHeldOff: charge.heldOffUntilMs > nowMs,
      isPauseOver: charge.suspendedUntilMs <= nowMs,
    };
  }

  /** Another node had it last, claims it no more, and might have it still. */
  #hasLetGo({ announced, lastOwner }: Charge, others: ReadonlySet<string>, nowMs: number) {
    if (lastOwner === undefined || lastOwner === this.#options.node || others.size > 0)
      return false;
    return this.#ballots.isCandidate(announced, lastOwner, nowMs);
  }

  #tell(nowMs: number): void {
    const { own } = this.#around;
    this.#options.peers.setOwn({
      isReady: this.#around.isReady,
      readyForMs: this.#around.readyForMs(nowMs),
      isLeaving: own.isLeaving,
      isApiServerReachable: own.unreachableSinceMs === undefined,
      isObserver: false,
      attachments: own.attachments,
      claims: this.#possession.claims.snapshot,
      unable: this.#possession.unable.snapshot,
    });
  }
}
