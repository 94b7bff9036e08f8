/**
 * Who has an address, port and protocol that several Services want: the older one (kube-proxy lets them overwrite each
 * other at every sync). The others wait; when the older one goes or gives way, the next takes over.
 */
import type { ObjectKey } from '../model/resources.ts';
import type { Fragment } from './fragment.ts';
import type { Frontend } from './frontends.ts';
import type { ServerKey } from './state.ts';

export interface Claim {
  readonly fragment: Fragment;
  readonly frontend: Frontend;
}

export interface WaitingClaim {
  readonly key: ServerKey;
  readonly winner: Claim;
  readonly loser: Claim;
}

export class Claims {
  /** oldest first */
  readonly #claims = new Map<ServerKey, readonly Claim[]>();
  readonly #contested = new Set<ServerKey>();

  /** Replaces what the Service claimed at `key`; no frontend takes the claim back. */
  set(key: ServerKey, service: ObjectKey, claim: Claim | undefined): void {
    const others = (this.#claims.get(key) ?? []).filter(
      ({ fragment }) => fragment.service !== service,
    );
    const claims = claim === undefined ? others : [...others, claim].toSorted(bySeniority);
    if (claims.length === 0) this.#claims.delete(key);
    else this.#claims.set(key, claims);
    if (claims.length > 1) this.#contested.add(key);
    else this.#contested.delete(key);
  }

  winner(key: ServerKey): Claim | undefined {
    return this.#claims.get(key)?.[0];
  }

  /** Every claim that is waiting, with the one it waits for. */
  *waiting(): Generator<WaitingClaim> {
    for (const key of this.#contested) {
      const [winner, ...losers] = this.#claims.get(key)!;
      for (const loser of losers) yield { key, winner: winner!, loser };
    }
  }
}

/** An unknown age counts as the oldest; equal ages go by key, so that every node decides alike. */
function bySeniority(a: Claim, b: Claim): number {
  return (
    compareText(a.fragment.createdAt, b.fragment.createdAt) ||
    compareText(a.fragment.service, b.fragment.service)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
