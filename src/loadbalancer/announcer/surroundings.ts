/**
 * What an announcer knows of its node and of the others, and what follows for all addresses at
 * once: who may be elected, whether this node may take any, or must drop all.
 */
import type { AnnouncerSettings } from '../../config/loadBalancer/settings.ts';
import type { Address } from '../../net/address.ts';
import type { MacAddress } from '../../net/macAddress.ts';
import type { Attachment } from '../../wire/heartbeatBody.ts';
import type { CandidateNode } from '../announcement.ts';
import { isMinority } from '../peers/minority.ts';
import { isHeard, type PeerView } from '../peers/peerView.ts';
import { type MemberNode, nodesByMac, otherCandidate, ownCandidate, presumed } from './electors.ts';
import { EXCLUDE_LABEL } from '../../model/announcingNode.ts';
import { isSamePeer } from './samePeer.ts';

export interface OwnFacts {
  /** its dataplane is programmed, and its main thread turns; since when */
  readonly readySinceMs: number | undefined;
  readonly isLeaving: boolean;
  /** undefined: it is; else since when it is not */
  readonly unreachableSinceMs: number | undefined;
  readonly attachments: readonly Attachment[];
}

/** Cut off, a node waits so long before it believes it. */
const API_SERVER_PATIENCE_MS = 5_000;
/** Before it takes anything, a node listens for so many intervals, and for so many at most. */
const LISTENING_INTERVALS = 3;
const LISTENING_LIMIT_INTERVALS = 10;

export class Surroundings {
  readonly #node: string;
  readonly #settings: AnnouncerSettings;
  #listensSinceMs: number;
  /** after its start */
  #hasListened = false;
  #members: ReadonlyMap<string, MemberNode> = new Map();
  #view: ReadonlyMap<string, PeerView> = new Map();
  #own: OwnFacts;
  readonly #unable: ReadonlySet<Address>;
  #candidates: readonly CandidateNode[] | undefined;
  /** who has been up for so long that it may take an address back, as of the last look */
  #old: ReadonlySet<string> = new Set();
  #macs: ReadonlyMap<MacAddress, string> | undefined;
  #everHeard: ReadonlySet<string> = new Set();

  /** @param unable what this node cannot serve; live */
  constructor(
    node: string,
    settings: AnnouncerSettings,
    unable: ReadonlySet<Address>,
    nowMs: number,
  ) {
    this.#node = node;
    this.#unable = unable;
    this.#settings = settings;
    this.#listensSinceMs = nowMs;
    this.#own = {
      readySinceMs: undefined,
      isLeaving: false,
      unreachableSinceMs: undefined,
      attachments: [],
    };
  }

  get own(): OwnFacts {
    return this.#own;
  }

  get view(): ReadonlyMap<string, PeerView> {
    return this.#view;
  }

  get members(): ReadonlyMap<string, MemberNode> {
    return this.#members;
  }

  setMembers(members: ReadonlyMap<string, MemberNode>): void {
    this.#members = members;
    this.#candidates = undefined;
  }

  /** @returns `back`: it has interfaces, and had none before */
  setOwn(own: OwnFacts, nowMs: number): 'back' | 'same' {
    const isBack = this.#own.attachments.length === 0 && own.attachments.length > 0;
    // It has heard nobody meanwhile, and whom it takes for dead may be well.
    if (isBack) this.#listensSinceMs = nowMs;
    this.#own = own;
    this.#candidates = undefined;
    return isBack ? 'back' : 'same';
  }

  /** @returns whether an election may come out otherwise; claims apart */
  setView(view: ReadonlyMap<string, PeerView>, everHeard: ReadonlySet<string>): boolean {
    if (view === this.#view) return false;
    const before = this.#view;
    const hadHeard = this.#hasHeard;
    this.#view = view;
    this.#everHeard = everHeard;
    this.#macs = undefined;
    this.#candidates = undefined;
    if (before.size !== view.size || hadHeard !== this.#hasHeard) return true;
    for (const [name, peer] of view) {
      if (!isSamePeer(before.get(name), peer)) return true;
    }
    return false;
  }

  candidates(nowMs: number): readonly CandidateNode[] {
    return (this.#candidates ??= Array.from(this.#members.values(), (member) =>
      member.name === this.#node
        ? ownCandidate(member, {
            ...this.#own,
            isReady: this.isReady,
            readyForMs: this.readyForMs(nowMs),
            unable: this.#unable,
          })
        : otherCandidate(member, this.#view.get(member.name)),
    ));
  }

  /** As if everybody were up. */
  presumedCandidates(nowMs: number): readonly CandidateNode[] {
    return this.candidates(nowMs).map(presumed);
  }

  isHeard(node: string): boolean {
    const peer = this.#view.get(node);
    return peer !== undefined && isHeard(peer);
  }

  /** One of them does not hear this node. */
  isAnyDeaf(nodes: ReadonlySet<string>): boolean {
    for (const name of nodes) if (this.#view.get(name)?.hearsUs === false) return true;
    return false;
  }

  /**
   * Of those that claim the address and mean to keep it, when this node does not reach the API
   * server: one that does has newer objects.
   */
  keepers(nodes: ReadonlySet<string>, address: Address): 'none' | 'some' | 'informed' {
    if (this.#own.unreachableSinceMs === undefined) return 'none';
    const keeping = [...nodes].flatMap((name) => {
      const peer = this.#view.get(name);
      return peer?.state === 'Alive' && !peer.unable.has(address) ? [peer] : [];
    });
    if (keeping.some(({ isApiServerReachable }) => isApiServerReachable)) return 'informed';
    return keeping.length > 0 ? 'some' : 'none';
  }

  nodeOfMac(mac: MacAddress): string | undefined {
    return (this.#macs ??= nodesByMac(this.#view)).get(mac);
  }

  readyForMs(nowMs: number): number {
    const { readySinceMs } = this.#own;
    return readySinceMs === undefined ? 0 : nowMs - readySinceMs;
  }

  /**
   * Time has passed.
   *
   * @returns whether others are old enough now to take an address back: by that alone an election
   * may come out otherwise
   */
  age(nowMs: number): boolean {
    this.#candidates = undefined;
    const { holdDownMs } = this.#settings;
    const old = this.candidates(nowMs)
      .filter(({ isAlive, aliveForMs }) => isAlive && aliveForMs >= holdDownMs)
      .map(({ name }) => name);
    const before = this.#old;
    this.#old = new Set(old);
    return old.length !== before.size || old.some((name) => !before.has(name));
  }

  /** Time has passed. */
  listen(nowMs: number): void {
    if (this.#hasListened || this.#isListening(nowMs)) return;
    this.#hasListened = true;
    this.#candidates = undefined;
  }

  /**
   * Whether anybody is to count on it: others would wait for one that they elect, and that does not
   * take anything yet. Who listens anew, with its cable back, is counted on all the same: it may
   * have kept what it had.
   */
  get isReady(): boolean {
    return this.#own.readySinceMs !== undefined && this.#hasListened;
  }

  mayTake(nowMs: number): boolean {
    const { readySinceMs, isLeaving } = this.#own;
    return readySinceMs !== undefined && !isLeaving && !this.#isListening(nowMs);
  }

  /** It hears fewer than half of those that there were, and nobody else can tell it more. */
  isCutOff(nowMs: number): boolean {
    const { unreachableSinceMs } = this.#own;
    if (unreachableSinceMs === undefined) return false;
    if (nowMs - unreachableSinceMs < API_SERVER_PATIENCE_MS) return false;
    return isMinority(this.#view, this.#everHeard);
  }

  /**
   * There should be others, and none was ever heard: a filtered port, or agents that are not there
   * (reference §8.3).
   */
  get isAlone(): boolean {
    if (this.#hasHeard) return false;
    for (const member of this.#members.values()) {
      if (member.name !== this.#node && this.#isExpected(member)) return true;
    }
    return false;
  }

  #isExpected({ isLeaving, announcing }: MemberNode): boolean {
    const isExcluded =
      !this.#settings.ignoreExcludeLabel && Object.hasOwn(announcing.labels, EXCLUDE_LABEL);
    return announcing.isNodeReady && !isLeaving && !announcing.isOutOfService && !isExcluded;
  }

  #isListening(nowMs: number): boolean {
    const { intervalMs } = this.#settings.heartbeat;
    const intervals = (nowMs - this.#listensSinceMs) / intervalMs;
    if (intervals < LISTENING_INTERVALS) return true;
    if (intervals >= LISTENING_LIMIT_INTERVALS) return false;
    return this.#peers.some(
      ({ state, attachments }) => state === 'Alive' && attachments === undefined,
    );
  }

  get #hasHeard(): boolean {
    return this.#everHeard.size > 0;
  }

  get #peers(): readonly PeerView[] {
    return [...this.#view.values()];
  }
}
