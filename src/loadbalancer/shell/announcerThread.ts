/**
 * The announcer at work: heartbeats, sockets and time, driven by orders of the main thread, so that
 * programming thousands of Services delays no answer. announcerWorker.ts runs it in a thread.
 */
import { createHash } from 'node:crypto';
import type { Address } from '../../net/address.ts';
import type { Heartbeat } from '../../wire/heartbeat.ts';
import { Announcer, type AnnouncerOptions } from '../announcer/announcer.ts';
import type { Order, ThreadReport, ToldAddress } from '../announcer/messages.ts';
import { PauseWatch } from '../announcer/pauseWatch.ts';
import { addressReports, peerReports } from '../announcer/report.ts';
import type { AnnouncedAddress } from '../announcement.ts';
import { Peers } from '../peers/peers.ts';
import type { CarrierInterface } from '../responder/carrierInterfaces.ts';
import { ThreadCounts } from './threadCounts.ts';
import { ThreadNews } from './threadNews.ts';
import type { ForeignSighting, ThreadParts, ThreadTools } from './threadParts.ts';
import { ThreadStanding } from './threadStanding.ts';

const TICK_MS = 50;
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
  readonly #counts = new ThreadCounts();
  readonly #news: ThreadNews;
  #tools: ThreadTools | undefined;
  #announcer: Announcer | undefined;
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
      onMove: (move) => this.#news.moved(move),
      onConflict: (address, answer) => post({ news: 'conflict', address, ...answer }),
    };
    this.#news = new ThreadNews(this.#options, post);
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
        return this.#answer(announcer, order.id);
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
    this.#standing.attach(interfaces);
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
    this.#counts.pauses += 1;
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
    this.#counts.beatDropped(reason);
  }

  beatUnsent(code: string): void {
    this.#counts.beatUnsent(code);
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
    this.#news.tell(announcer, nowMs);
    if (this.#standing.hasLeft(nowMs, announcer.claims.size)) {
      this.#left.resolve();
      return this.end();
    }
    const nextMs = this.#standing.isLeaving ? LEAVING_TICK_MS : TICK_MS;
    this.#cancelTick = clock.after(nextMs, () => this.#tick());
    if (isMore) this.wake();
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

  #answer(announcer: Announcer, id: number): void {
    const nowMs = this.#nowMs;
    const { surroundings } = announcer;
    const report: ThreadReport = {
      node: this.#options.node,
      isAlone: surroundings.isAlone,
      isCutOff: surroundings.isCutOff(nowMs),
      attachments: surroundings.own.attachments,
      addresses: addressReports(announcer, this.#options, nowMs),
      peers: peerReports(this.#peers.view(nowMs), this.#parts.start.configurationHash),
      counters: { ...this.#tools!.wire.counters(), ...this.#counts.told },
    };
    this.#parts.post({ news: 'report', id, report });
  }

  get #nowMs(): number {
    return this.#parts.clock.monotonicMs();
  }
}

/** Its end is to be told at 0, 20 and 50 ms. */
const LEAVING_TICK_MS = 10;
