/**
 * What the allocator gives out, and what it costs. Of a node that is not the allocator there is
 * `is_allocator` alone: nobody else has decided anything.
 */
import { Gauge, Histogram, type Registry } from 'prom-client';
import { FAMILIES } from '../../net/family.ts';
import type { Allocation } from '../allocation/allocate.ts';
import type { State } from '../allocation/decision.ts';

/** A run is below 10 ms in a usual cluster, and a quarter of a second for 10,000 Services. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const STATES: readonly State[] = ['Assigned', 'Partial', 'Kept', 'Pending', 'Released', 'Ignored'];
/** More cannot be told apart from it; stands for all sizes from 2^62. */
const MANY = 2n ** 63n - 1n;

export class AllocatorMetrics {
  readonly #total: Gauge<'pool' | 'family'>;
  readonly #used: Gauge<'pool' | 'family'>;
  readonly #services: Gauge<'state'>;
  readonly #duration: Histogram;
  readonly #isAllocator: Gauge;

  constructor(register: Registry) {
    const registers = [register];
    this.#total = new Gauge({
      name: 'kubeipvs_lb_pool_addresses',
      help: 'Usable addresses of a pool',
      labelNames: ['pool', 'family'],
      registers,
    });
    this.#used = new Gauge({
      name: 'kubeipvs_lb_pool_addresses_used',
      help: 'Addresses of a pool that Services have, each counted once',
      labelNames: ['pool', 'family'],
      registers,
    });
    this.#services = new Gauge({
      name: 'kubeipvs_lb_services',
      help: 'Services of type LoadBalancer by what the allocator has decided',
      labelNames: ['state'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'kubeipvs_lb_allocation_seconds',
      help: 'How long it takes to decide about the addresses of all Services',
      buckets: BUCKETS,
      registers,
    });
    this.#isAllocator = new Gauge({
      name: 'kubeipvs_lb_is_allocator',
      help: '1 where this node gives out the addresses of the cluster',
      registers,
    });
    this.#isAllocator.set(0);
  }

  leads(isAllocator: boolean): void {
    this.#isAllocator.set(isAllocator ? 1 : 0);
    if (isAllocator) return;
    for (const gauge of [this.#total, this.#used, this.#services]) gauge.reset();
  }

  decided({ decisions, pools }: Allocation, tookMs: number): void {
    this.#duration.observe(tookMs / 1000);
    const counts = new Map(STATES.map((state) => [state, 0]));
    for (const { state } of decisions.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    for (const [state, count] of counts) this.#services.set({ state }, count);
    for (const { pool, families } of pools) {
      for (const family of FAMILIES) {
        const { total, used } = families[family];
        if (total === 0n) continue;
        const labels = { pool: pool.name, family };
        this.#total.set(labels, Number(total > 2n ** 62n ? MANY : total));
        this.#used.set(labels, used);
      }
    }
  }
}
