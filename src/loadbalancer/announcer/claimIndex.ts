/** Which other nodes claim which addresses, kept up by what has changed since the last look. */
import type { Address } from '../../net/address.ts';
import { isHeard, type PeerView } from '../peers/peerView.ts';

const NOBODY: ReadonlySet<string> = new Set();

export class ClaimIndex {
  readonly #byAddress = new Map<Address, Set<string>>();
  readonly #byNode = new Map<string, ReadonlySet<Address>>();

  /** names of the nodes that claim it */
  of(address: Address): ReadonlySet<string> {
    return this.#byAddress.get(address) ?? NOBODY;
  }

  /** @returns addresses of which somebody's claim came or went */
  update(view: ReadonlyMap<string, PeerView>): ReadonlySet<Address> {
    const changed = new Set<Address>();
    for (const [node, peer] of view) this.#replace(node, validClaims(peer), changed);
    for (const node of this.#byNode.keys()) {
      if (!view.has(node)) this.#replace(node, new Set(), changed);
    }
    return changed;
  }

  #replace(node: string, now: ReadonlySet<Address>, changed: Set<Address>): void {
    const before = this.#byNode.get(node);
    if (before === now || (before === undefined && now.size === 0)) return;
    for (const address of before ?? []) {
      if (now.has(address)) continue;
      const left = this.#byAddress.get(address);
      left?.delete(node);
      if (left?.size === 0) this.#byAddress.delete(address);
      changed.add(address);
    }
    for (const address of now) {
      if (before?.has(address) === true) continue;
      const claimants = this.#byAddress.get(address) ?? new Set();
      claimants.add(node);
      this.#byAddress.set(address, claimants);
      changed.add(address);
    }
    if (now.size === 0) this.#byNode.delete(node);
    else this.#byNode.set(node, now);
  }
}

const NO_CLAIMS: ReadonlySet<Address> = new Set();

/** Those of a node that is silent are void. */
function validClaims(peer: PeerView): ReadonlySet<Address> {
  return isHeard(peer) ? peer.claims : NO_CLAIMS;
}
