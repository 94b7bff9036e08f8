/**
 * The announcer at work: heartbeats, sockets and time, driven by orders of the main thread, so that
 * programming thousands of Services delays no answer. announcerWorker.ts runs it in a thread.
 */
import { createHash } from 'node:crypto';
import { type Address, familyOf } from '../../net/address.ts';
import type { Clock } from '../../time/clock.ts';
import type { Heartbeat } from '../../wire/heartbeat.ts';
import type { Attachment } from '../../wire/heartbeatBody.ts';
import { Announcer, type AnnouncerOptions } from '../announcer/announcer.ts';
import type { News, Order, ThreadReport, ThreadStart, ToldAddress } from '../announcer/messages.ts';
import type { Move } from '../announcer/move.ts';
import { PauseWatch } from '../announcer/pauseWatch.ts';
import type { AnswerPort, ForeignAnswer } from '../announcer/ports.ts';
import { addressReports, peerReports } from '../announcer/report.ts';
import type { AnnouncedAddress } from '../announcement.ts';
import { Peers } from '../peers/peers.ts';
import type { CarrierInterface } from '../responder/carrierInterfaces.ts';
import type { HeartbeatLink } from './heartbeatLink.ts';
import { ThreadStanding } from './threadStanding.ts';

/** What it works with, made by announcerWorker.ts. */
export interface ThreadTools {
  readonly wire: AnswerPort & {
    setKnown(addresses: ReadonlySet<Address>): void;
    drain(): void;
    counters(): Omit<ThreadReport['counters'], 'beatsDropped' | 'beatsUnsent' | 'pauses'>;
  };
  readonly link: Pick<HeartbeatLink, 'send' | 'families'>;
}

/** A frame by which somebody else says that an address is his. */
export interface ForeignSighting extends ForeignAnswer {
  readonly address: Address;
  readonly isAnnouncement: boolean;
}

export interface ThreadParts {
  readonly start: ThreadStart;
  readonly clock: Clock;
  readonly post: (news: News) => void;
  /** 64 random bits, not 0 */
  readonly bootId: bigint;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

const TICK_MS = 50;
/** Between two looks for what nobody announces. */
const UNANNOUNCED_MS = 1_000;
/** Looked at between two looks at the clock: some milliseconds. */
const SLICE = 256;

export class AnnouncerThread {
  readonly #parts: ThreadParts;
  readonly #options: Omit<AnnouncerOptions, 'wire'>;
  readonly #peers: Peers;
  readonly #left = Promise.withResolvers<void>();
  readonly #standing: ThreadStanding;
  readonly #pauses = new PauseWatch(TICK_MS);
  readonly #servable = new Set<Address>();
  readonly #known = new Set<Address>();
  readonly #beatsDropped: Record<string, number> = {};
  readonly #beatsUnsent: Record<string, number> = {};
  #tools: ThreadTools | undefined;
  #announcer: Announcer | undefined;
  #moves: Move[] = [];
  #pauseCount = 0;
  #nextUnannouncedMs = 0;
  #toldStanding = { isAlone: false, isCutOff: false };
  #cancelTick: () => void = () => undefined;
  #state: 'waiting' | 'woken' | 'ended' = 'waiting';

  constructor(parts: ThreadParts) {
    const { start, bootId, random, post, clock } = parts;
    const { node, settings, configurationHash } = start;
    const { heartbeat } = settings.announcer;
    this.#parts = parts;
    this.#peers = new Peers({ node, bootId, ...heartbeat, configurationHash, random });
    this.#standing = new ThreadStanding(clock.monotonicMs());
    this.#options = {
      node,
      settings: settings.announcer,
      sha256: (text) => createHash('sha256').update(text).digest('hex'),
      peers: this.#peers,
      onMove: (move) => this.#moves.push(move),
      onConflict: (address, answer) => post({ news: 'conflict', address, ...answer }),
    };
  }

  /** Resolves after an order to leave, when others have what was ours or have had the time. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** From here on it ticks. */
  begin(tools: ThreadTools): void {
    const nowMs = this.#nowMs;
    this.#tools = tools;
    this.#announcer = new Announcer({ ...this.#options, wire: tools.wire }, nowMs);
    this.#announcer.setOwn(this.#standing.facts(nowMs), nowMs);
    this.#parts.post({ news: 'begun' });
    this.#tick();
  }

  /** No tick any more. */
  end(): void {
    this.#state = 'ended';
    this.#cancelTick();
  }

  obey(order: Order): void {
    const announcer = this.#announcer;
    if (announcer === undefined) return;
    switch (order.order) {
      case 'addresses':
        this.#changeAddresses(announcer, order.changed, order.gone);
        break;
      case 'members':
        announcer.setMembers(new Map(order.members.map((member) => [member.name, member])));
        this.#peers.setNodes(
          order.members.filter(({ name }) => name !== this.#options.node),
          this.#tools!.link.families,
        );
        break;
      case 'servable':
        for (const address of order.came) this.#servable.add(address);
        for (const address of order.went) this.#servable.delete(address);
        announcer.setServable(this.#servable, [...order.came, ...order.went]);
        break;
      case 'standing':
        this.#standing.heardMain(order, this.#nowMs);
        break;
      case 'leave':
        this.#standing.leave(this.#nowMs);
        break;
      case 'report':
        return this.#parts.post({ news: 'report', id: order.id, report: this.#report(announcer) });
      case 'release': {
        const stay = announcer.release(order.addresses ?? announcer.claims, this.#nowMs);
        this.#parts.post({ news: 'released', id: order.id, stay });
      }
    }
    this.wake();
  }

  /** Something has come that may matter: looked at before the next tick. */
  wake(): void {
    if (this.#state !== 'waiting' || this.#announcer === undefined) return;
    this.#state = 'woken';
    this.#cancelTick();
    setImmediate(() => {
      if (this.#state !== 'woken') return;
      this.#state = 'waiting';
      this.#tick();
    });
  }

  interfacesChanged(interfaces: readonly CarrierInterface[]): void {
    this.#standing.attach(attachmentsOf(interfaces));
    this.wake();
  }

  heardForeign({ address, isAnnouncement, ...answer }: ForeignSighting): void {
    this.#announcer?.heard(address, answer, isAnnouncement, this.#nowMs);
    this.wake();
  }

  /**
   * Before anything that was heard counts: this process may have stood still, and what waited in
   * its sockets is old.
   *
   * @returns whether it did
   */
  checkPause(): boolean {
    const nowMs = this.#nowMs;
    const forMs = this.#pauses.tick(nowMs, this.#parts.clock.wallMs());
    if (forMs === 0 || this.#announcer === undefined) return false;
    this.#pauseCount += 1;
    this.#tools!.wire.drain();
    this.#peers.paused(nowMs);
    this.#announcer.paused(forMs, nowMs);
    return true;
  }

  heartbeat(heartbeat: Heartbeat, from: Address): void {
    this.checkPause();
    const refusal = this.#peers.received(heartbeat, from, this.#nowMs);
    if (refusal !== undefined) this.beatDropped(refusal);
    else if (this.#peers.hasNews) this.wake();
  }

  beatDropped(reason: string): void {
    this.#beatsDropped[reason] = (this.#beatsDropped[reason] ?? 0) + 1;
  }

  beatUnsent(code: string): void {
    this.#beatsUnsent[code] = (this.#beatsUnsent[code] ?? 0) + 1;
  }

  #tick(): void {
    const { clock } = this.#parts;
    const announcer = this.#announcer!;
    const { link } = this.#tools!;
    const nowMs = this.#nowMs;
    this.checkPause();
    if (this.#standing.review(nowMs)) announcer.setOwn(this.#standing.facts(nowMs), nowMs);
    const isMore = announcer.tick(nowMs, SLICE);
    link.send(this.#peers.tick(nowMs));
    this.#tellMoves();
    this.#tellStanding(announcer, nowMs);
    this.#tellUnannounced(announcer, nowMs);
    if (this.#standing.hasLeft(nowMs, announcer.claims.size)) {
      this.#left.resolve();
      return this.end();
    }
    const nextMs = this.#standing.isLeaving ? LEAVING_TICK_MS : TICK_MS;
    this.#cancelTick = clock.after(nextMs, () => this.#tick());
    if (isMore) this.wake();
  }

  #tellMoves(): void {
    if (this.#moves.length === 0) return;
    this.#parts.post({ news: 'moves', moves: this.#moves });
    this.#moves = [];
  }

  #tellStanding({ surroundings }: Announcer, nowMs: number): void {
    const isAlone = surroundings.isAlone && surroundings.mayTake(nowMs);
    const isCutOff = surroundings.isCutOff(nowMs);
    const { isAlone: wasAlone, isCutOff: wasCutOff } = this.#toldStanding;
    if (isAlone === wasAlone && isCutOff === wasCutOff) return;
    this.#toldStanding = { isAlone, isCutOff };
    this.#parts.post({ news: 'standing', isAlone, isCutOff });
  }

  #tellUnannounced(announcer: Announcer, nowMs: number): void {
    if (nowMs < this.#nextUnannouncedMs) return;
    this.#nextUnannouncedMs = nowMs + UNANNOUNCED_MS;
    const due = new Set(announcer.takeUnannounced(nowMs));
    if (due.size === 0) return;
    for (const { address, cause, excluded } of addressReports(announcer, this.#options, nowMs)) {
      if (cause === undefined || !due.has(address)) continue;
      this.#parts.post({ news: 'unannounced', address, cause, excluded });
    }
  }

  #changeAddresses(
    announcer: Announcer,
    changed: readonly ToldAddress[],
    gone: readonly Address[],
  ): void {
    const nowMs = this.#nowMs;
    for (const told of changed) {
      announcer.setAddress(this.#announcedOf(told), nowMs);
      this.#known.add(told.address);
    }
    for (const address of gone) {
      announcer.removeAddress(address, nowMs);
      this.#known.delete(address);
      this.#servable.delete(address);
    }
    this.#tools!.wire.setKnown(this.#known);
  }

  #announcedOf({ pool: name, ...announced }: ToldAddress): AnnouncedAddress {
    const { pools } = this.#parts.start.settings;
    return { ...announced, pool: pools.find((pool) => pool.name === name) };
  }

  #report(announcer: Announcer): ThreadReport {
    const nowMs = this.#nowMs;
    const { configurationHash } = this.#parts.start;
    const { surroundings } = announcer;
    return {
      node: this.#options.node,
      isAlone: surroundings.isAlone,
      isCutOff: surroundings.isCutOff(nowMs),
      attachments: surroundings.own.attachments,
      addresses: addressReports(announcer, this.#options, nowMs),
      peers: peerReports(this.#peers.view(nowMs), configurationHash),
      counters: {
        ...this.#tools!.wire.counters(),
        beatsDropped: this.#beatsDropped,
        beatsUnsent: this.#beatsUnsent,
        pauses: this.#pauseCount,
      },
    };
  }

  get #nowMs(): number {
    return this.#parts.clock.monotonicMs();
  }
}

/** Its end is to be told at 0, 20 and 50 ms. */
const LEAVING_TICK_MS = 10;

/** What other nodes are told: every address of every interface that may announce. */
function attachmentsOf(interfaces: readonly CarrierInterface[]): readonly Attachment[] {
  return interfaces.flatMap(({ name, mac, addresses, defaultRoute }) =>
    addresses.map(({ address, prefixLength }) => ({
      interfaceName: name,
      mac,
      address,
      prefixLength,
      hasDefaultRoute: defaultRoute.includes(familyOf(address)),
    })),
  );
}
