/**
 * One other node: whether it is alive, and what it says of itself. Datagrams overtake each other:
 * what a header says counts when it is the latest one, what a body says by its generation.
 */
import type { Address } from '../../net/address.ts';
import type { Heartbeat } from '../../wire/heartbeat.ts';
import type { Attachment } from '../../wire/heartbeatBody.ts';
import { BootAcceptance, type OwnBoot } from './bootAcceptance.ts';
import { GatheredList, MAX_PARTS } from './gatheredList.ts';
import { HeardClaims } from './heardClaims.ts';
import type { PeerRefusal, PeerState, PeerView } from './peerView.ts';
import type { SentTimes } from './sentTimes.ts';

const NONE: ReadonlySet<Address> = new Set();
/** What they tell is of their generation. */
const TABLES: ReadonlySet<Heartbeat['type']> = new Set(['claims', 'attach', 'unable', 'release']);

/** When a datagram came, and what silence is by now. */
export interface Moment {
  readonly nowMs: number;
  /** between two beats of one node */
  readonly intervalMs: number;
  /** silence of which makes a node dead */
  readonly deadAfterMs: number;
}

/**
 * `revived`: it was not alive, or is another process: what we told it may be lost. `news`: it
 * leaves, or tells of itself what is not known yet.
 */
export type Received = PeerRefusal | 'heard' | 'news' | 'revived';

export class Peer {
  readonly boots: BootAcceptance;
  #life: Exclude<PeerState, 'Leaving'> = 'Unknown';
  /** heard then, or not there ourselves until then */
  #silentSinceMs = -Infinity;
  #lastHeardMs = -Infinity;
  /** of the datagram with the highest number */
  #latest: Heartbeat | undefined;
  #latestMs = 0;
  /** When we sent the latest datagram that it told to have heard. */
  #echoedMs = -Infinity;
  #claims = new HeardClaims();
  #unable = new GatheredList<Address>();
  #unableSet = NONE;
  #attachments = new GatheredList<Attachment>();
  /** It came back from Dead then; -Infinity: it never was. */
  #returnedMs = -Infinity;
  #askDueMs: number | undefined;

  constructor(sequence: bigint) {
    this.boots = new BootAcceptance(sequence);
  }

  get state(): PeerState {
    return this.isAlive && this.#latest?.isLeaving === true ? 'Leaving' : this.#life;
  }

  /** Leaving or not. */
  get isAlive(): boolean {
    return this.#life === 'Alive';
  }

  received(heartbeat: Heartbeat, own: OwnBoot, sent: SentTimes, moment: Moment): Received {
    if ('parts' in heartbeat && heartbeat.parts > MAX_PARTS) return 'parts';
    this.checkSilence(moment);
    const judgement = this.boots.judge(heartbeat, own);
    if (judgement === 'replay' || judgement === 'unacceptedBoot') return judgement;
    if (judgement === 'accepted') this.#beginAnew();
    const isRevived = judgement === 'accepted' || !this.isAlive;
    if (isRevived) this.#revive(heartbeat, moment);
    const wasLeaving = this.#latest?.isLeaving === true;
    const isNews = TABLES.has(heartbeat.type) && !this.#hasTablesOf(heartbeat.generation);
    this.#lastHeardMs = moment.nowMs;
    this.#silentSinceMs = moment.nowMs;
    if (heartbeat.sequence === this.boots.echo.sequence) {
      this.#latest = heartbeat;
      this.#latestMs = moment.nowMs;
    }
    this.#readEcho(heartbeat, own, sent);
    this.#readBody(heartbeat);
    this.#planAsking('part' in heartbeat, moment);
    if (isRevived) return 'revived';
    return isNews || wasLeaving !== (this.#latest?.isLeaving === true) ? 'news' : 'heard';
  }

  /** Dead from the first moment on in which it has been silent for so long. */
  checkSilence({ nowMs, deadAfterMs }: Moment): void {
    if (this.isAlive && nowMs - this.#silentSinceMs >= deadAfterMs) this.#life = 'Dead';
  }

  /** We were not there to hear it: its silence counts from now on. */
  forgiveSilence(nowMs: number): void {
    if (this.isAlive) this.#silentSinceMs = nowMs;
  }

  /** @returns whether its tables are to be asked for now: something is missing, nothing came */
  asks({ nowMs, intervalMs }: Moment): boolean {
    if (!this.isAlive || this.#askDueMs === undefined || nowMs < this.#askDueMs) return false;
    this.#askDueMs = nowMs + intervalMs;
    return true;
  }

  view({ nowMs, deadAfterMs }: Moment): PeerView {
    const latest = this.#latest;
    const readyForMs = latest?.isReady ? latest.ageMs + nowMs - this.#latestMs : 0;
    return {
      state: this.state,
      silenceMs: nowMs - this.#silentSinceMs,
      hearsUs: this.isAlive && this.#lastHeardMs - this.#echoedMs < deadAfterMs,
      isReady: latest?.isReady ?? false,
      isObserver: latest?.isObserver ?? false,
      isApiServerReachable: latest?.isApiServerReachable ?? false,
      aliveForMs: this.isAlive ? Math.min(readyForMs, nowMs - this.#returnedMs) : 0,
      claims: this.isAlive ? this.#claims.addresses : NONE,
      unable: this.#unableSet,
      attachments: this.#attachments.complete?.entries,
      configurationHash: latest?.configurationHash,
    };
  }

  /** A process knows nothing of what the one before it claimed. */
  #beginAnew(): void {
    this.#latest = undefined;
    this.#claims = new HeardClaims();
    this.#unable = new GatheredList();
    this.#unableSet = NONE;
    this.#attachments = new GatheredList();
    this.#askDueMs = undefined;
  }

  /** What it claimed before its silence is true if it has changed nothing since, and only then. */
  #revive({ generation }: Heartbeat, { nowMs }: Moment): void {
    if (this.#life === 'Dead') this.#returnedMs = nowMs;
    if (this.#claims.generation !== generation) this.#claims = new HeardClaims();
    this.#life = 'Alive';
  }

  #readEcho({ echo }: Heartbeat, own: OwnBoot, sent: SentTimes): void {
    if (echo.bootId !== own.bootId) return;
    const sentMs = sent.of(echo.sequence);
    if (sentMs !== undefined) this.#echoedMs = Math.max(this.#echoedMs, sentMs);
  }

  #readBody(heartbeat: Heartbeat): void {
    const { generation } = heartbeat;
    switch (heartbeat.type) {
      case 'claims':
        this.#claims.claim(heartbeat, generation);
        break;
      case 'release':
        this.#claims.release(heartbeat.entries, generation);
        break;
      case 'unable':
        if (this.#unable.add(heartbeat, generation)) {
          this.#unableSet = new Set(this.#unable.complete?.entries);
        }
        break;
      case 'attach':
        this.#attachments.add(heartbeat, generation);
        break;
      default:
    }
  }

  /**
   * Its tables come by themselves when they change. What is still missing after an interval in
   * which no part came is lost.
   */
  #planAsking(isPart: boolean, { nowMs, intervalMs }: Moment): void {
    if (this.#hasTablesOf(this.#latest?.generation)) this.#askDueMs = undefined;
    else if (isPart || this.#askDueMs === undefined) this.#askDueMs = nowMs + intervalMs;
  }

  /** Complete, and as they were in that generation. */
  #hasTablesOf(generation: number | undefined): boolean {
    const generations = [
      this.#claims.generation,
      this.#unable.complete?.generation,
      this.#attachments.complete?.generation,
    ];
    return generations.every((each) => each === generation);
  }
}
