/**
 * Who has an address, port and protocol that several Services want (kube-proxy lets them overwrite
 * each other at every sync): first by what it is to the Service ({@link FRONTEND_KINDS}), then the
 * older, then by name. The others wait; when the first one goes or gives way, the next takes over.
 */
import type { Fragment } from './fragment.ts';
import { FRONTEND_KINDS } from './frontendKinds.ts';
import type { Frontend } from './frontends.ts';
import type { ServerKey } from '../dataplane/state.ts';

export interface Claim {
  readonly fragment: Fragment;
  readonly frontend: Frontend;
}

export interface WaitingClaim {
  readonly winner: Claim;
  readonly loser: Claim;
}

export class Claims {
  /** each in order of precedence */
  readonly #claims = new Map<ServerKey, Claim[]>();

  /** Puts what a Service claims at `key` now in the place of what it claimed before. */
  replace(key: ServerKey, before: Claim | undefined, after: Claim | undefined): void {
    const claims = this.#claims.get(key);
    if (claims === undefined) {
      // Nearly all have one claimant: a literal has no room for more, and many thousands of them.
      if (after !== undefined) this.#claims.set(key, [after]);
      return;
    }
    if (before !== undefined) claims.splice(placeOf(before, claims), 1);
    if (after !== undefined) claims.splice(placeOf(after, claims), 0, after);
    if (claims.length === 0) this.#claims.delete(key);
  }

  winner(key: ServerKey): Claim | undefined {
    return this.#claims.get(key)?.[0];
  }

  /** Whoever has it first, then those who wait for it. */
  claimants(key: ServerKey): readonly Claim[] {
    return this.#claims.get(key) ?? [];
  }
}

/** What decided, completing "belongs to …". */
export function precedence({ winner, loser }: WaitingClaim): string {
  const { service, resource } = winner.fragment;
  const [first, second] = [winner.frontend.kind, loser.frontend.kind];
  if (first !== second) {
    return `Service ${service} as its ${FRONTEND_KINDS[first].name}, which comes before any ${FRONTEND_KINDS[second].name}`;
  }
  return resource.createdAt === loser.fragment.resource.createdAt
    ? `Service ${service}, which is as old and comes first by name`
    : `Service ${service}, which is older`;
}

/**
 * Where the claim is, or would be: claims of many Services on one key must not cost their square.
 */
function placeOf(claim: Claim, claims: readonly Claim[]): number {
  let [low, high] = [0, claims.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (byPrecedence(claims[middle]!, claim) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** An unknown age counts as the oldest; equal ages go by key, so that every node decides alike. */
function byPrecedence(a: Claim, b: Claim): number {
  return (
    FRONTEND_KINDS[a.frontend.kind].rank - FRONTEND_KINDS[b.frontend.kind].rank ||
    compareText(a.fragment.resource.createdAt, b.fragment.resource.createdAt) ||
    compareText(a.fragment.service, b.fragment.service)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
