/** What the announcer does and hears: moves as they come, the rest when somebody scrapes. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { Move, MoveWhy } from '../announcer/move.ts';
import type { ThreadReport } from '../announcer/messages.ts';
import { registerAsked } from './askedMetrics.ts';

/** Detection takes 600 ms by default. */
const BUCKETS = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 20];
const TAKEN: readonly MoveWhy[] = ['first', 'failover', 'handedOver'];

export class AnnouncerMetrics {
  readonly #takeovers: Counter<'why'>;
  readonly #takeoverSeconds: Histogram;
  readonly #foreignOwners: Counter;

  /** @param report of the thread; rejects while there is none */
  constructor(register: Registry, report: () => Promise<ThreadReport>) {
    const registers = [register];
    this.#takeovers = new Counter({
      name: 'kubeipvs_lb_takeovers_total',
      help: 'Load balancer addresses that this node has begun to announce: nobody had it, who had it is silent, or another node handed it over',
      labelNames: ['why'],
      registers,
    });
    for (const why of TAKEN) this.#takeovers.inc({ why }, 0);
    this.#takeoverSeconds = new Histogram({
      name: 'kubeipvs_lb_takeover_seconds',
      help: 'From when a node was last heard to when its address was announced here',
      buckets: BUCKETS,
      registers,
    });
    this.#foreignOwners = new Counter({
      name: 'kubeipvs_lb_foreign_owner_total',
      help: 'Claims of other machines to load balancer addresses of the cluster',
      registers,
    });
    registerAsked(register, report);
  }

  moved(moves: readonly Move[]): void {
    for (const { isOurs, why, silenceMs } of moves) {
      if (!isOurs) continue;
      this.#takeovers.inc({ why });
      if (silenceMs !== undefined) this.#takeoverSeconds.observe(silenceMs / 1_000);
    }
  }

  conflict(): void {
    this.#foreignOwners.inc();
  }
}
