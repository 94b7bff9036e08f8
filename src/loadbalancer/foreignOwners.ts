/**
 * Machines that are seen answering for addresses of ours: whoever listens on the wire notes them
 * here, and the allocator gives such an address to nobody new. Both are features of one process and
 * know nothing else of each other.
 */
import type { LoadBalancerSettings } from '../config/loadBalancer/settings.ts';
import type { Address } from '../net/address.ts';

export interface ForeignOwner {
  /** its MAC address */
  readonly mac: string;
  /** where it was seen */
  readonly interfaceName: string;
  readonly node: string;
}

export class ForeignOwners {
  readonly #owners = new Map<Address, ForeignOwner>();
  readonly #listeners = new Set<() => void>();

  /** Live, by canonical address. */
  get all(): ReadonlyMap<Address, ForeignOwner> {
    return this.#owners;
  }

  /** It answers, still or from now on. */
  set(address: Address, owner: ForeignOwner): void {
    const isKnown = this.#owners.get(address)?.mac === owner.mac;
    this.#owners.set(address, owner);
    if (!isKnown) this.#tell();
  }

  /** Nobody does any more. */
  delete(address: Address): void {
    if (this.#owners.delete(address)) this.#tell();
  }

  /** @param listener must not block. @returns ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const known = new WeakMap<LoadBalancerSettings, ForeignOwners>();

/** Of the process that runs by these settings: the same one for each who asks. */
export function foreignOwnersOf(settings: LoadBalancerSettings): ForeignOwners {
  const owners = known.get(settings) ?? new ForeignOwners();
  known.set(settings, owners);
  return owners;
}
