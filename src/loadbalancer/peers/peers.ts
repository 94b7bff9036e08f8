/**
 * What this node knows of the others and tells them, by heartbeats: who is alive, who claims which
 * address. Pure: it is handed what came and asked what is to be sent. What follows from it (who
 * takes or gives up an address) is the announcer's.
 */
import { type Address, familyOf } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import type { Heartbeat } from '../../wire/heartbeat.ts';
import type { HeartbeatBody } from '../../wire/heartbeatBody.ts';
import { without } from './addressSets.ts';
import { BeatSchedule } from './beatSchedule.ts';
import type { Echo } from './bootAcceptance.ts';
import { type OwnState, OwnTables } from './ownTables.ts';
import { type Moment, Peer } from './peer.ts';
import type { PeerRefusal, PeerView } from './peerView.ts';
import { SentTimes } from './sentTimes.ts';
import { Transfers } from './transfers.ts';

/** So much longer with each peer, so that many nodes cost each of them no more than some dozens. */
const INTERVAL_PER_PEER_MS = 3;

export interface PeersOptions {
  /** our own Node */
  readonly node: string;
  /** random, of this process */
  readonly bootId: bigint;
  readonly intervalMs: number;
  /** so many intervals of silence are a dead node */
  readonly misses: number;
  readonly configurationHash: number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

export interface PeerNode {
  readonly name: string;
  /** InternalIPs: it is sent to one of them, and what comes from elsewhere is not from it */
  readonly addresses: readonly Address[];
}

export interface Outgoing {
  /** whom it is for */
  readonly node: string;
  readonly to: Address;
  readonly heartbeat: Heartbeat;
}

interface Entry extends PeerNode {
  readonly to: Address;
  readonly peer: Peer;
}

/** All times are of one monotonic clock, in ms. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #own: OwnTables;
  readonly #schedule: BeatSchedule;
  readonly #transfers = new Transfers();
  readonly #sent = new SentTimes();
  #peers = new Map<string, Entry>();
  #released = new Set<Address>();
  #hasMoved = false;
  #hasNews = false;
  #sequence = 0n;
  #everHeard: ReadonlySet<string> | undefined;
  #seen: { readonly nowMs: number; readonly view: ReadonlyMap<string, PeerView> } | undefined;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#own = new OwnTables(options.node);
    this.#schedule = new BeatSchedule(options.random);
  }

  /** Heard since our start, and still a Node. */
  get everHeard(): ReadonlySet<string> {
    this.#everHeard ??= new Set(
      [...this.#peers.values()]
        .filter(({ peer }) => peer.state !== 'Unknown')
        .map(({ name }) => name),
    );
    return this.#everHeard;
  }

  /**
   * Whoever is not among them is forgotten, and its datagrams count for nothing.
   *
   * @param nodes the others; one without an address of `families` is left out
   * @param families of our own InternalIPs: to a peer's first address of the first that both have
   */
  setNodes(nodes: readonly PeerNode[], families: readonly Family[] = ['IPv4', 'IPv6']): void {
    const before = this.#peers;
    const entries = nodes.flatMap(({ name, addresses }) => {
      const to = chosen(addresses, families);
      const peer = before.get(name)?.peer ?? new Peer(this.#sequence);
      return to === undefined || name === this.#options.node ? [] : [{ name, addresses, to, peer }];
    });
    this.#peers = new Map(entries.map((entry) => [entry.name, entry]));
    this.#schedule.setNodes(this.#peers.keys());
    this.#transfers.setNodes([...this.#peers.keys()]);
    this.#everHeard = undefined;
    this.#seen = undefined;
  }

  /** Changed claims, unable or attachments are told with the next tick. */
  setOwn(own: OwnState): void {
    if (this.#own.set(own)) this.#hasMoved = true;
  }

  /** They are claimed no more, and everybody is told before the new table is. */
  release(addresses: readonly Address[]): void {
    for (const address of addresses) this.#released.add(address);
    if (this.#own.release(addresses)) this.#hasMoved = true;
  }

  /**
   * Something was heard since the last tick that may not wait for the next one: who is there, who
   * leaves, what somebody has or has let go.
   */
  get hasNews(): boolean {
    return this.#hasNews;
  }

  /**
   * @param heartbeat whose signature has been found right
   * @returns why it counts for nothing
   */
  received(heartbeat: Heartbeat, from: Address, nowMs: number): PeerRefusal | undefined {
    if (heartbeat.node === this.#options.node) return 'ownName';
    const entry = this.#peers.get(heartbeat.node);
    if (entry === undefined) return 'unknownNode';
    if (!entry.addresses.includes(from)) return 'sourceAddress';
    const { bootId } = this.#options;
    const own = { bootId, sequence: this.#sequence };
    const received = entry.peer.received(heartbeat, own, this.#sent, this.#moment(nowMs));
    this.#seen = undefined;
    if (received === 'revived') {
      this.#everHeard = undefined;
      this.#transfers.restart([entry.name]);
    } else if (received !== 'heard' && received !== 'news') return received;
    if (received !== 'heard') this.#hasNews = true;
    if (heartbeat.type === 'ask') this.#transfers.ask(entry.name);
    return undefined;
  }

  /**
   * To be called every 50 ms or more often.
   *
   * @returns what is to be sent now, in this order
   */
  tick(nowMs: number): readonly Outgoing[] {
    const moment = this.#moment(nowMs);
    this.#hasNews = false;
    this.#sent.note(this.#sequence + 1n, nowMs, moment.deadAfterMs);
    this.#bury(moment);
    this.#planTransfers();
    return [
      ...this.#beats(moment),
      ...[...this.#peers.values()]
        .filter(({ peer }) => peer.asks(moment))
        .map((entry) => this.#make(entry, { type: 'ask' }, nowMs)),
      ...this.#transfers
        .due(this.#own.bodies, nowMs)
        .map(({ node, body }) => this.#make(this.#peers.get(node)!, this.#asOfNow(body), nowMs)),
    ];
  }

  /** This process stood still: who is alive has as much time as ever to be heard again. */
  paused(nowMs: number): void {
    for (const { peer } of this.#peers.values()) peer.forgiveSilence(nowMs);
    this.#seen = undefined;
  }

  /**
   * By name; the same object within one moment. Sets and lists in it are the same objects as long
   * as what they hold is.
   */
  view(nowMs: number): ReadonlyMap<string, PeerView> {
    if (this.#seen?.nowMs === nowMs) return this.#seen.view;
    const moment = this.#moment(nowMs);
    this.#bury(moment);
    const view = new Map([...this.#peers].map(([name, { peer }]) => [name, peer.view(moment)]));
    this.#seen = { nowMs, view };
    return view;
  }

  #moment(nowMs: number): Moment {
    const { intervalMs: wanted, misses } = this.#options;
    const intervalMs = Math.max(wanted, this.#peers.size * INTERVAL_PER_PEER_MS);
    return { nowMs, intervalMs, deadAfterMs: misses * intervalMs };
  }

  #bury(moment: Moment): void {
    for (const { name, peer } of this.#peers.values()) {
      if (!peer.isAlive) continue;
      peer.checkSilence(moment);
      if (!peer.isAlive) this.#transfers.stop(name);
    }
  }

  #planTransfers(): void {
    // One that is not heard any more may hear us, and has to know what we took from it.
    const met = [...this.#peers.values()].filter(({ peer }) => peer.state !== 'Unknown');
    const names = met.map(({ name }) => name);
    if (this.#hasMoved) this.#transfers.restart(names);
    this.#hasMoved = false;
    // What was let go and taken again between two ticks was never let go.
    const released = without(this.#released, this.#own.state.claims);
    this.#transfers.addUrgent(names, this.#own.releaseBodies(released));
    this.#released.clear();
  }

  #beats({ nowMs, intervalMs }: Moment): readonly Outgoing[] {
    const isLeavingBeat = this.#schedule.isLeavingBeatDue(this.#own.state.isLeaving, nowMs);
    const due = this.#schedule.due(nowMs, intervalMs);
    return [...this.#peers.values()].flatMap((entry) => {
      const { peer, name } = entry;
      const echoes = [...peer.boots.answers(nowMs, intervalMs)];
      if (isLeavingBeat || due.has(name)) echoes.push(peer.boots.echo);
      return echoes.map((echo) => this.#make(entry, { type: 'beat' }, nowMs, echo));
    });
  }

  /** It may have waited, and what was let go then may be claimed again. */
  #asOfNow(body: HeartbeatBody): HeartbeatBody {
    if (body.type !== 'release') return body;
    return { ...body, entries: without(body.entries, this.#own.state.claims) };
  }

  #make(
    { name, to, peer }: Entry,
    body: HeartbeatBody,
    nowMs: number,
    echo: Echo = peer.boots.echo,
  ): Outgoing {
    this.#sequence++;
    const { node, bootId, configurationHash } = this.#options;
    const sequence = this.#sequence;
    const own = { node, bootId, sequence, configurationHash, echo };
    return { node: name, to, heartbeat: { ...own, ...this.#own.flags(nowMs), ...body } };
  }
}

function chosen(addresses: readonly Address[], families: readonly Family[]): Address | undefined {
  const family = families.find((each) => addresses.some((one) => familyOf(one) === each));
  return addresses.find((address) => familyOf(address) === family);
}
