/** Addresses that nobody may announce, by how long and why; which of them are still to be told. */
import type { Address } from '../../net/address.ts';
import type { NobodyCause } from '../election.ts';

interface Standing {
  readonly cause: NobodyCause;
  readonly sinceMs: number;
  isTold: boolean;
}

/** A Service is often there before its pods are, and a node goes before the next one is ready. */
export const UNANNOUNCED_AFTER_MS = 10_000;

export class Unannounced {
  readonly #standing = new Map<Address, Standing>();

  /** @param cause undefined: somebody may announce it, or nobody is to */
  note(address: Address, cause: NobodyCause | undefined, nowMs: number): void {
    if (cause === undefined) this.#standing.delete(address);
    else if (this.#standing.get(address)?.cause !== cause)
      this.#standing.set(address, { cause, sinceMs: nowMs, isTold: false });
  }

  /** That have stood for so long that they are to be told, once for each cause. */
  *due(nowMs: number): Generator<Address> {
    for (const [address, { sinceMs, isTold }] of this.#standing)
      if (!isTold && nowMs - sinceMs >= UNANNOUNCED_AFTER_MS) yield address;
  }

  told(address: Address): void {
    const standing = this.#standing.get(address);
    if (standing !== undefined) standing.isTold = true;
  }
}
