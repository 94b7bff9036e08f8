/**
 * The allocator of one process: as long as its Lease is held it decides anew whenever something
 * that matters has changed, and has the differences written. All of it is decided at once, so what
 * comes together costs one decision, and deciding takes a tenth of the time at most.
 */
import type { LoadBalancerSettings } from '../../config/loadBalancer/settings.ts';
import { ApiError, explainFailure } from '../../cluster/apiError.ts';
import type { ApiTransport } from '../../cluster/transport.ts';
import type { FeatureHost } from '../../feature/feature.ts';
import type { ClusterChange } from '../../model/clusterStore.ts';
import { sameValue } from '../../model/sameValue.ts';
import { parseSloppyAddress } from '../../net/sloppy.ts';
import { JitteredBackoff } from '../../time/backoff.ts';
import { allocate } from '../allocation/allocate.ts';
import { PoolTable } from '../allocation/poolTable.ts';
import { allocationInput } from '../allocationInput.ts';
import { allocatorNeeds } from '../needs.ts';
import { ServiceBook } from '../allocator/serviceBook.ts';
import type { ForeignOwners } from '../foreignOwners.ts';
import { patchOf } from '../status.ts';
import { AllocationTeller } from './allocationTeller.ts';
import type { AllocatorMetrics } from './allocatorMetrics.ts';
import { ADDRESS_NOT_WRITTEN } from './conditions.ts';
import { readServices } from './readServices.ts';
import { StatusWriter } from './statusWriter.ts';

type HostParts = Pick<FeatureHost, 'clock' | 'cluster' | 'conditions' | 'events' | 'log' | 'run'>;

export interface AllocatorParts extends HostParts {
  readonly settings: LoadBalancerSettings;
  readonly api: Pick<ApiTransport, 'getJson' | 'sendJson'>;
  readonly foreignOwners: ForeignOwners;
  readonly metrics: AllocatorMetrics;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** by the clock, at this moment */
  readonly isLeader: () => boolean;
}

/** What comes within this time is decided together. */
const TOGETHER_MS = 50;
/** So many times as long as a decision took is nothing decided. */
const REST = 9;
const RETRY = { firstMs: 1_000, maxMs: 15_000 };
const ALL = 'all Services';

export class Allocator {
  readonly #parts: AllocatorParts;
  readonly #book: ServiceBook;
  readonly #writer: StatusWriter;
  readonly #teller: AllocationTeller;
  readonly #ignoreOwners: () => void;
  /** of the time that the Lease is held */
  #term: AbortController | undefined;
  /** the Services have been read in this term */
  #isReady = false;
  #restsUntilMs = 0;
  #cancelDecision: (() => void) | undefined;

  constructor(parts: AllocatorParts) {
    this.#parts = parts;
    const { settings, foreignOwners } = parts;
    const table = new PoolTable(settings.pools);
    this.#book = new ServiceBook((text) => {
      const address = parseSloppyAddress(text);
      return address !== undefined && table.locate(address).place !== undefined;
    });
    this.#teller = new AllocationTeller(parts);
    this.#writer = new StatusWriter({
      ...parts,
      book: this.#book,
      mayWrite: () => this.#isReady && parts.isLeader(),
      onWritten: (decision) => this.#teller.written(decision),
      onNews: () => this.#decideSoon(),
    });
    this.#ignoreOwners = foreignOwners.onChange(() => this.#decideSoon());
  }

  changed(change: ClusterChange): void {
    const { kind, key } = change;
    if (kind === 'Service') {
      const { object } = change;
      // One that cannot be read goes on having what it had.
      if (object !== undefined && object.balanced === undefined) return;
      if (!this.#book.told(key, object?.balanced)) return;
      this.#writer.withdraw(key);
    } else if (kind === 'Node') {
      if (sameValue(change.object?.addresses, change.before?.addresses)) return;
    } else if (kind !== 'Namespace') return;
    this.#decideSoon();
  }

  /** The Lease is ours from now on, or is not any more. */
  lead(isLeader: boolean): void {
    const { log, metrics, run } = this.#parts;
    this.#resign();
    metrics.leads(isLeader);
    if (!isLeader) return log.info('this node no longer gives out load balancer addresses');
    log.info('this node gives out load balancer addresses');
    const term = new AbortController();
    this.#term = term;
    run(() => this.#begin(term.signal));
  }

  /** Nothing more is decided; resolves when what is on its way has been answered. */
  async finish(): Promise<void> {
    this.#isReady = false;
    this.#cancelDecision?.();
    this.#ignoreOwners();
    await this.#writer.finish();
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#resign();
  }

  #resign(): void {
    this.#term?.abort();
    this.#isReady = false;
    this.#cancelDecision?.();
    this.#cancelDecision = undefined;
    this.#writer.stop();
    this.#teller.forget();
  }

  /** What who led before has written last may not have reached this node yet. */
  async #begin(signal: AbortSignal): Promise<void> {
    const { clock, conditions, random } = this.#parts;
    const backoff = new JitteredBackoff({ ...RETRY, random });
    while (!signal.aborted) {
      try {
        await this.#readAll(signal);
        if (signal.aborted) break;
        conditions.clear(ADDRESS_NOT_WRITTEN, ALL);
        this.#isReady = true;
        return this.#decide();
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof ApiError)) throw error;
        const waitMs = backoff.next();
        const attempt = { verb: 'list', resource: 'services', group: '' } as const;
        const reason = explainFailure(error, attempt);
        const message = `no load balancer addresses are given out: ${reason}; tried again in ${Math.ceil(waitMs / 1000)} s`;
        conditions.set(ADDRESS_NOT_WRITTEN, ALL, { message, reason });
        await clock.sleep(waitMs, signal).catch(() => undefined);
      }
    }
    conditions.clear(ADDRESS_NOT_WRITTEN, ALL);
  }

  async #readAll(signal: AbortSignal): Promise<void> {
    const { api, settings } = this.#parts;
    const before = this.#book.snapshot();
    const found = await readServices(api, new Set(allocatorNeeds(settings)), signal);
    if (!signal.aborted) this.#book.complete(found, before);
  }

  #decideSoon(): void {
    const { clock, run } = this.#parts;
    if (!this.#isReady || this.#cancelDecision !== undefined) return;
    const waitMs = Math.max(TOGETHER_MS, this.#restsUntilMs - clock.monotonicMs());
    this.#cancelDecision = clock.after(waitMs, () => {
      this.#cancelDecision = undefined;
      run(async () => this.#decide());
    });
  }

  #decide(): void {
    const { settings, cluster, clock, foreignOwners, metrics, isLeader } = this.#parts;
    if (!this.#isReady || !isLeader()) return;
    const beganMs = clock.monotonicMs();
    const macs = new Map([...foreignOwners.all].map(([address, { mac }]) => [address, mac]));
    const allocation = allocate(allocationInput(settings, this.#book.current(), cluster, macs));
    const endedMs = clock.monotonicMs();
    this.#restsUntilMs = endedMs + REST * (endedMs - beganMs);
    metrics.decided(allocation, endedMs - beganMs);
    this.#teller.decided(allocation);
    const due = [...allocation.decisions].filter(([, each]) => patchOf(each, '') !== undefined);
    this.#writer.want(new Map(due));
  }
}
