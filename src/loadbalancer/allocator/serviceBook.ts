/**
 * The Services as the allocator knows them: what the watch tells, what the API server answers to a
 * patch or a reading, which may be newer, and what a patch that is on its way will have made of
 * them. So the same thing is never decided twice, and what is our own doing is no news.
 */
import type { BalancedService } from '../../model/balancedService.ts';
import type { ObjectKey } from '../../model/resources.ts';
import { sameValue } from '../../model/sameValue.ts';
import { ourCondition } from '../condition.ts';

export class ServiceBook {
  readonly #isInPool: (text: string) => boolean;
  readonly #known = new Map<ObjectKey, BalancedService>();
  /** as they are to become by what is being written */
  readonly #expected = new Map<ObjectKey, BalancedService>();

  /** @param isInPool whether a pool holds the address of this text */
  constructor(isInPool: (text: string) => boolean) {
    this.#isInPool = isInPool;
  }

  /** To decide by: with what is being written already. */
  *current(): Generator<BalancedService> {
    for (const [key, service] of this.#known) yield this.#expected.get(key) ?? service;
  }

  /** As the API server had it last. */
  get(key: ObjectKey): BalancedService | undefined {
    return this.#known.get(key);
  }

  /**
   * The watch, or a list, has it so; undefined: there is none any more.
   *
   * @returns whether an allocation may come out different
   */
  told(key: ObjectKey, service: BalancedService | undefined): boolean {
    const known = this.#known.get(key);
    if (service !== undefined && known !== undefined && !isNewer(service, known)) return false;
    const before = this.#expected.get(key) ?? known;
    if (service === undefined) this.#known.delete(key);
    else this.#known.set(key, service);
    return this.#matters(before, service);
  }

  /** By Service, as they are now. */
  snapshot(): ReadonlyMap<ObjectKey, BalancedService> {
    return new Map(this.#known);
  }

  /**
   * Everything was read.
   *
   * @param before what was known when the reading began: what is newer the reading may have missed
   */
  complete(
    found: ReadonlyMap<ObjectKey, BalancedService>,
    before: ReadonlyMap<ObjectKey, BalancedService>,
  ): void {
    for (const [key, service] of found) this.told(key, service);
    for (const [key, service] of before) {
      const isSame = this.#known.get(key) === service;
      // Others are read as far as some other feature wants them.
      if (isSame && !found.has(key) && service.type === 'LoadBalancer') this.#known.delete(key);
    }
  }

  /** It is being written so: that is decided, and not known yet. */
  expect(key: ObjectKey, service: BalancedService): void {
    this.#expected.set(key, service);
  }

  /** Whether it has become what it was to. */
  isExpected(key: ObjectKey, service: BalancedService): boolean {
    return !this.#matters(this.#expected.get(key), service);
  }

  /** Nothing is being written any more, whatever became of it. */
  forgetExpected(key: ObjectKey): void {
    this.#expected.delete(key);
  }

  /** A Service that neither has nor wants addresses matters by those that it keeps from others. */
  #matters(before: BalancedService | undefined, after: BalancedService | undefined): boolean {
    if (!isConcerned(before) && !isConcerned(after)) {
      return this.#reserved(before) !== this.#reserved(after);
    }
    return !sameValue(before && compared(before), after && compared(after));
  }

  #reserved(service: BalancedService | undefined): string {
    const { clusterIPs = [], externalIPs = [] } = service ?? {};
    return [...clusterIPs, ...externalIPs].filter(this.#isInPool).sort().join();
  }
}

function isConcerned(service: BalancedService | undefined): boolean {
  if (service === undefined) return false;
  return (
    service.type === 'LoadBalancer' ||
    service.ingress.length > 0 ||
    ourCondition(service.conditions) !== undefined
  );
}

/** Without what an allocation does not look at; times are written and never read. */
function compared(service: BalancedService): unknown {
  const { resourceVersion: _, conditions, ...rest } = service;
  const { status, reason, message } = ourCondition(conditions) ?? {};
  return { ...rest, condition: { status, reason, message } };
}

/**
 * Versions of one object are numbers that grow (KEP-5504; every API server with etcd before it
 * too).
 */
function isNewer(a: BalancedService, b: BalancedService): boolean {
  const [left, right] = [a.resourceVersion, b.resourceVersion];
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return left !== right;
  return BigInt(left) > BigInt(right);
}
