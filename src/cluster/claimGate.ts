/**
 * The way of Services into the store: notes which addresses they ask for that nobody allocated, and
 * lets a Service in without those whose owner is still to be found out.
 */
import { AddressClaims, claimedBy, withoutClaims } from '../model/addressClaims.ts';
import type { ClusterChange, ClusterStore, ObjectState } from '../model/clusterStore.ts';
import type { ObjectKey, ServiceResource } from '../model/resources.ts';
import type { Address } from '../net/address.ts';

type ServiceState = Extract<ObjectState, { kind: 'Service' }>;

export interface ClaimGateOptions {
  readonly store: ClusterStore;
  readonly onChange: (change: ClusterChange) => void;
  /** Before the Service is let in. @param addresses that no Service asked for until now */
  readonly onClaimed: (addresses: readonly Address[]) => void;
  /** Some address is asked for by nobody any more. */
  readonly onDropped: () => void;
}

export class ClaimGate {
  readonly claims = new AddressClaims();
  readonly #options: ClaimGateOptions;
  /** Services as they are, while the store has them without some address */
  readonly #held = new Map<ObjectKey, ServiceResource>();
  readonly #awaited = new Set<Address>();

  constructor(options: ClaimGateOptions) {
    this.#options = options;
  }

  put(state: ServiceState): ClusterChange | undefined {
    const { store, onClaimed, onDropped } = this.#options;
    const { key, object } = state;
    const before = this.#held.get(key) ?? store.services.get(key);
    this.#held.delete(key);
    const { came, went } = this.claims.replace(before, object);
    if (came.length > 0) onClaimed(came);
    else if (went.length > 0) onDropped();
    const waiting = [...claimedBy(object)].filter((address) => this.#awaited.has(address));
    if (object === undefined || waiting.length === 0) return store.put(state);
    this.#held.set(key, object);
    return store.put({ ...state, object: withoutClaims(object, new Set(waiting)) });
  }

  /** Until {@link release}. */
  hold(addresses: readonly Address[]): void {
    for (const address of addresses) this.#awaited.add(address);
  }

  release(): void {
    const { store, onChange } = this.#options;
    this.#awaited.clear();
    for (const [key, object] of this.#held) {
      const change = store.put({ kind: 'Service', key, object });
      if (change !== undefined) onChange(change);
    }
    this.#held.clear();
  }
}
