/** The feature that gives out addresses, at an API server in memory whose watch may lag behind. */
import type { LoadBalancerSettings } from '../../../src/config/loadBalancer/settings.ts';
import type { Running } from '../../../src/feature/feature.ts';
import { foreignOwnersOf } from '../../../src/loadbalancer/foreignOwners.ts';
import { loadBalancerAllocator } from '../../../src/loadbalancer/shell/allocatorFeature.ts';
import type { ClusterChange, ObjectState } from '../../../src/model/clusterStore.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { FakeFeatureHost } from '../program/featureHost.ts';
import { settle } from '../program/fakeClock.ts';
import { rawBalanced, type ServiceWords } from './balanced.ts';
import { type RawService, ServicesServer } from './servicesServer.ts';

const NEEDS = new Set(['LoadBalancing'] as const);

export class AllocatorHarness {
  readonly host = new FakeFeatureHost();
  readonly server = new ServicesServer(this.host.clock);
  readonly settings: LoadBalancerSettings;
  /** what the watch has not told yet */
  #held: [string, RawService | undefined][] | undefined;
  running: Running | undefined;

  constructor(settings: LoadBalancerSettings) {
    this.settings = settings;
    this.host.api = this.server.transport();
    this.server.onChange = (key, raw) => {
      if (this.#held === undefined) this.#watch(key, raw);
      else this.#held.push([key, raw]);
    };
  }

  get foreignOwners() {
    return foreignOwnersOf(this.settings);
  }

  /** With the Services, and until it has done what is to be done at once. */
  async start(...services: readonly (readonly [string, ServiceWords?])[]): Promise<void> {
    for (const [name, words] of services) this.server.put(rawBalanced(name, words));
    const feature = loadBalancerAllocator(this.settings, {
      namespace: () => Promise.resolve('kube-system'),
    });
    this.running = await feature.start(this.host);
    for (const [key, object] of this.host.cluster.services)
      this.running.changed?.({ kind: 'Service', key, object, before: undefined });
    await settle();
  }

  /** Time for a burst of changes to be decided. */
  async decide(): Promise<void> {
    await this.host.clock.advance(50);
  }

  /** From now on changes are told late. */
  holdWatch(): void {
    this.#held = [];
  }

  releaseWatch(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [key, raw] of held) this.#watch(key, raw);
  }

  tell(state: ObjectState): void {
    const change: ClusterChange | undefined = this.host.cluster.put(state);
    if (change !== undefined) this.running?.changed?.(change);
  }

  /** Requests since the last time, without those of the Lease. */
  requests(): string[] {
    return this.server.requests.splice(0);
  }

  /** How often it has been decided. */
  async decisions(): Promise<number> {
    const name = 'kubeipvs_lb_allocation_seconds';
    const text = await this.host.metrics.getSingleMetricAsString(name);
    return Number(/_count (\d+)/.exec(text)?.[1]);
  }

  /** Events since the last time: `Normal AddressAssigned a: 192.0.2.1 from pool office`. */
  events(): string[] {
    return this.host.told.splice(0).map(({ regarding: { name }, type, reason, note }) => {
      return `${type} ${reason} ${name}: ${note}`;
    });
  }

  conditions(): string[] {
    return this.host.conditions.standing.map(
      ({ condition: { code }, subject }) => `${code} ${subject}`,
    );
  }

  #watch(key: string, raw: RawService | undefined): void {
    const object = raw && KINDS.Service.slim(raw, NEEDS).object;
    this.tell({ kind: 'Service', key, object });
  }
}
