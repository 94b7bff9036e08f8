/**
 * The addresses that Services ask for and nobody allocated: externalIPs, and what a load balancer
 * gave. They may be a machine's or a pod's, so who has one has to be known before it is served.
 */
import type { Address } from '../net/address.ts';
import { formatPrefix, type Prefix, prefixOf } from '../net/prefix.ts';
import type { ServiceResource } from './resources.ts';
import { serviceAddresses } from './serviceAddresses.ts';
import { usableAddress } from './usableAddress.ts';

export interface ClaimChanges {
  readonly came: readonly Address[];
  readonly went: readonly Address[];
}

const NO_CHANGES: ClaimChanges = { came: [], went: [] };

export class AddressClaims {
  /** how many Services ask for it */
  readonly #counts = new Map<Address, number>();
  /** the ranges of a length that hold one */
  readonly #ranges = new Map<number, ReadonlySet<string>>();

  get size(): number {
    return this.#counts.size;
  }

  has(address: Address): boolean {
    return this.#counts.has(address);
  }

  /** One of them lies in it; a range of length 0 says nothing about where anybody is. */
  hasIn(range: Prefix): boolean {
    return range.length > 0 && this.#rangesOf(range.length).has(formatPrefix(range));
  }

  /** @returns addresses that no Service asked for until now, and those that none does any more */
  replace(before: ServiceResource | undefined, after: ServiceResource | undefined): ClaimChanges {
    const [old, now] = [claimedBy(before), claimedBy(after)];
    if (old.size === 0 && now.size === 0) return NO_CHANGES;
    const came = [...now].filter((address) => !this.#counts.has(address));
    for (const address of now) this.#count(address, 1);
    for (const address of old) this.#count(address, -1);
    const went = [...old].filter((address) => !this.#counts.has(address));
    if (came.length > 0 || went.length > 0) this.#ranges.clear();
    return { came, went };
  }

  #count(address: Address, step: 1 | -1): void {
    const count = (this.#counts.get(address) ?? 0) + step;
    if (count === 0) this.#counts.delete(address);
    else this.#counts.set(address, count);
  }

  #rangesOf(length: number): ReadonlySet<string> {
    const known = this.#ranges.get(length);
    if (known !== undefined) return known;
    const addresses = [...this.#counts.keys()];
    const made = new Set(addresses.map((address) => formatPrefix(prefixOf(address, length))));
    this.#ranges.set(length, made);
    return made;
  }
}

/** Those of one Service. */
export function claimedBy(service: ServiceResource | undefined): ReadonlySet<Address> {
  const isAsking = service !== undefined && asksForMore(service);
  if (!isAsking) return NONE;
  const { byFamily } = serviceAddresses(service);
  return new Set(
    [...byFamily.values()].flatMap(({ externalIPs, loadBalancerIPs }) => [
      ...externalIPs,
      ...loadBalancerIPs,
    ]),
  );
}

/** The Service as if it did not ask for these. */
export function withoutClaims(
  service: ServiceResource,
  addresses: ReadonlySet<Address>,
): ServiceResource {
  const isOther = (text = '') => {
    const result = usableAddress(text);
    return !('address' in result && addresses.has(result.address));
  };
  const externalIPs = service.externalIPs.filter(isOther);
  const loadBalancerIngress = service.loadBalancerIngress.filter(({ ip }) => isOther(ip));
  return { ...service, externalIPs, loadBalancerIngress };
}

const NONE: ReadonlySet<Address> = new Set();

/** Most ask for none, and this is looked at with every change. */
function asksForMore({ externalIPs, loadBalancerIngress }: ServiceResource): boolean {
  return externalIPs.length > 0 || loadBalancerIngress.length > 0;
}
