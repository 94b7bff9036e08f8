/**
 * The announcer as a feature: tells its thread what is to be announced, by whom it may be, and what
 * this node's kernel serves; and the rest of the process what the thread says.
 */
import type { LoadBalancerSettings } from '../../config/loadBalancer/settings.ts';
import type { Feature, FeatureHost, Running } from '../../feature/feature.ts';
import type { ClusterChange } from '../../model/clusterStore.ts';
import type { Address } from '../../net/address.ts';
import { AnnouncementBook } from '../announcer/announcementBook.ts';
import { membersOf } from '../announcer/members.ts';
import { addressesIn, ServableBook } from '../announcer/servableBook.ts';
import { foreignOwnersOf } from '../foreignOwners.ts';
import { notOurs } from '../notOurs.ts';
import { AnnouncerHandle } from './announcerHandle.ts';
import { AnnouncerMetrics } from './announcerMetrics.ts';
import { AnnouncerTeller } from './announcerTeller.ts';
import { announcerRoutes } from './announcerRoutes.ts';
import { configurationHash } from './configurationHash.ts';

type RoundOutcome = Parameters<NonNullable<Running['round']>>[0];

/** By which the thread sees that this one turns. */
const STANDING_MS = 1_000;

export function loadBalancerAnnouncer(settings: LoadBalancerSettings): Feature {
  return {
    name: 'load-balancer-announcer',
    start: (host) => new RunningAnnouncer(settings, host).running,
  };
}

class RunningAnnouncer {
  readonly #settings: LoadBalancerSettings;
  readonly #host: FeatureHost;
  readonly #book: AnnouncementBook;
  readonly #handle: AnnouncerHandle;
  #servable = new ServableBook();
  /** to be looked at after the next round */
  #asked = new Set<Address>();
  #hasNewMembers = false;
  #isReady = false;
  #isFlushDue = false;
  readonly #cancelStanding: () => void;

  constructor(settings: LoadBalancerSettings, host: FeatureHost) {
    this.#settings = settings;
    this.#host = host;
    this.#book = new AnnouncementBook(settings, host.cluster);
    const metrics = new AnnouncerMetrics(host.metrics, () => this.#handle.report());
    const teller = new AnnouncerTeller({
      ...host,
      book: this.#book,
      foreignOwners: foreignOwnersOf(settings),
      onMoves: (moves) => metrics.moved(moves),
      onConflict: () => metrics.conflict(),
    });
    this.#handle = new AnnouncerHandle({
      clock: host.clock,
      onNews: (news) => teller.tell(news),
      onBegin: () => this.#tellAll(),
      onEnd: (error) => teller.ended(error),
    });
    announcerRoutes(host.routes, this.#handle, () => notOurs(host.cluster.services, settings));
    const timer = setInterval(() => {
      this.#tellStanding();
      teller.review();
    }, STANDING_MS);
    this.#cancelStanding = () => clearInterval(timer);
    host.run((signal) => this.#keepThread(signal));
  }

  get running(): Running {
    return {
      changed: (change) => this.#changed(change),
      round: (outcome) => this.#roundTold(outcome),
      roundDone: () => this.#roundDone(),
      stop: async () => {
        this.#cancelStanding();
        await this.#handle.leave();
      },
    };
  }

  async #keepThread(signal: AbortSignal): Promise<void> {
    const { synced, nodeName, cluster } = this.#host;
    await synced;
    const own = membersOf(cluster.nodes.values(), []).find(({ name }) => name === nodeName);
    const start = {
      node: nodeName,
      settings: this.#settings,
      configurationHash: configurationHash(this.#settings),
      internalAddresses: own?.addresses ?? [],
    };
    await this.#handle.run(start, signal);
  }

  #changed(change: ClusterChange): void {
    this.#book.changed(change);
    if (change.kind === 'Node') this.#hasNewMembers = true;
    this.#flushSoon();
  }

  /** What changes together is told together. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#hasNewMembers) this.#tellMembers();
    const { changed, gone } = this.#book.take();
    if (changed.length === 0 && gone.length === 0) return;
    this.#handle.tell({ order: 'addresses', changed, gone });
    for (const { address } of changed) this.#asked.add(address);
    for (const address of gone) this.#asked.add(address);
    this.#tellServable();
  }

  #roundTold({ isFull, planned }: RoundOutcome): void {
    const touched = isFull ? this.#book.addresses : addressesIn(planned);
    for (const address of touched) if (this.#book.has(address)) this.#asked.add(address);
  }

  #roundDone(): void {
    const wasReady = this.#isReady;
    this.#isReady = true;
    this.#tellServable();
    if (!wasReady) this.#tellStanding();
  }

  #tellServable(): void {
    if (this.#asked.size === 0) return;
    const { virtualServers } = this.#host.programmed();
    const isAnnounced = (address: Address) => this.#book.has(address);
    const found = this.#servable.look(this.#asked, isAnnounced, virtualServers.values());
    this.#asked = new Set();
    if (found.came.length > 0 || found.went.length > 0)
      this.#handle.tell({ order: 'servable', ...found });
  }

  #tellMembers(): void {
    this.#hasNewMembers = false;
    const members = membersOf(this.#host.cluster.nodes.values(), this.#settings.pools);
    this.#handle.tell({ order: 'members', members });
  }

  #tellStanding(): void {
    const isReady = this.#isReady;
    const isApiServerReachable = this.#host.isConnected();
    this.#handle.tell({ order: 'standing', isReady, isApiServerReachable });
  }

  /** A thread that has just begun knows nothing. */
  #tellAll(): void {
    this.#tellStanding();
    this.#tellMembers();
    this.#handle.tell({ order: 'addresses', changed: this.#book.all(), gone: [] });
    this.#servable = new ServableBook();
    this.#asked = new Set(this.#book.addresses);
    this.#tellServable();
  }
}
