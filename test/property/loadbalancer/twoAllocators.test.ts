/**
 * Two processes that both take themselves for the allocator, each with what it last read: the API
 * server refuses what was decided on an older version of the same Service, and nothing else.
 */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { LoadBalancerSettings } from '../../../src/config/loadBalancer/settings.ts';
import { patchOf, statusAfter } from '../../../src/loadbalancer/status.ts';
import type { BalancedService } from '../../../src/model/balancedService.ts';
import { run } from '../../support/loadbalancer/balanced.ts';
import * as clusters from './clusters.ts';

const NOW = '2026-11-30T12:00:00Z';

/** What an API server does with a status patch. */
class Server {
  readonly #objects: Map<string, BalancedService>;
  refused = 0;

  constructor(services: readonly BalancedService[]) {
    this.#objects = new Map(services.map((service) => [service.name, service]));
  }

  list(): readonly BalancedService[] {
    return [...this.#objects.values()];
  }

  /** A user's change. */
  edit(name: string, change: (object: BalancedService) => BalancedService): void {
    this.#store(change(this.#objects.get(name)!));
  }

  patch(name: string, resourceVersion: string, status: ReturnType<typeof statusAfter>): void {
    const object = this.#objects.get(name)!;
    if (object.resourceVersion !== resourceVersion) this.refused++;
    else {
      const ingress = status.loadBalancer.ingress ?? [];
      this.#store({ ...object, ingress, conditions: status.conditions });
    }
  }

  #store(object: BalancedService): void {
    const resourceVersion = String(Number(object.resourceVersion) + 1);
    this.#objects.set(object.name, { ...object, resourceVersion });
  }
}

class Allocator {
  readonly #server: Server;
  readonly #settings: LoadBalancerSettings;
  #writes: (() => void)[] = [];

  constructor(server: Server, settings: LoadBalancerSettings) {
    this.#server = server;
    this.#settings = settings;
  }

  /** Reads all, and has the writes of what it decides before it. */
  decide(): void {
    const { decisions } = run(this.#settings, this.#server.list());
    this.#writes = [...decisions.values()].flatMap((decision) => {
      const patch = patchOf(decision, NOW);
      if (patch === undefined) return [];
      const { resourceVersion } = patch.metadata;
      const { name } = decision.service;
      return () => this.#server.patch(name, resourceVersion, statusAfter(decision, NOW));
    });
  }

  /** One of the writes before it. */
  write(at: number): void {
    const [next] = this.#writes.splice(at % Math.max(this.#writes.length, 1), 1);
    next?.();
  }

  /** Until there is nothing to write. @returns after how many rounds */
  finish(): number {
    for (let rounds = 0; ; rounds++) {
      this.decide();
      if (this.#writes.length === 0 || rounds > 20) return rounds;
      while (this.#writes.length > 0) this.write(0);
    }
  }
}

const step = fc.record({
  who: fc.nat(1),
  what: fc.constantFrom('decide', 'write', 'write', 'write', 'edit'),
  at: fc.nat(10),
  address: clusters.addressWish,
  pool: clusters.poolWish,
});

function play(settings: LoadBalancerSettings, services: readonly BalancedService[], steps: Steps) {
  const server = new Server(services);
  const both = [new Allocator(server, settings), new Allocator(server, settings)];
  for (const { who, what, at, ...wish } of steps) {
    if (what === 'decide') both[who]!.decide();
    else if (what === 'write') both[who]!.write(at);
    else {
      const { name } = services[at % services.length]!;
      server.edit(name, (object) => clusters.wishing(object, wish));
    }
  }
  return { server, rounds: both[0]!.finish() };
}

type Steps = typeof step extends fc.Arbitrary<infer T> ? readonly T[] : never;

/** Nobody shares anything here, so that each address is there once. */
const alone = clusters.services.map((list) =>
  list.map(({ shareKey: _key, loadBalancerClass: _class, ...service }, index) => ({
    ...service,
    loadBalancerClass: 'kube-ipvs.io/l2',
    isDeleting: false,
    name: `s${index}`,
  })),
);

test('in the end no address is there twice, and one round of one of them is enough for that', () => {
  let refused = 0;
  let lateExchanges = 0;
  fc.assert(
    fc.property(
      clusters.settings,
      alone,
      fc.array(step, { minLength: 10, maxLength: 40 }),
      (settings, services, steps) => {
        const { server, rounds } = play(settings, services, steps);
        refused += server.refused;
        // A late exchange: see allocation.test.ts.
        if (rounds > 1) lateExchanges++;
        expect(rounds).toBeLessThanOrEqual(2);
        const given = server.list().flatMap(({ ingress }) => ingress.map(({ ip }) => ip));
        expect(given).toEqual([...new Set(given)]);
      },
    ),
    { numRuns: 400 },
  );
  // Or the interleavings would not show anything.
  expect(refused).toBeGreaterThan(0);
  expect(lateExchanges).toBeLessThanOrEqual(3);
});
