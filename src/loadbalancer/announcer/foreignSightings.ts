/**
 * Which strangers were seen lately to answer for addresses of ours. What somebody answers to others
 * alone is not heard on a switch, so one that is not seen for a while may still be there.
 */
import type { Address } from '../../net/address.ts';

/** Long enough for a router's neighbour entry to be asked for again (20 minutes), and half more. */
const FORGOTTEN_MS = 30 * 60_000;

export class ForeignSightings {
  readonly #seen = new Map<Address, { readonly mac: string; readonly atMs: number }>();

  /** @returns whether it is news: another machine than before, or after a long time */
  note(address: Address, mac: string, nowMs: number): boolean {
    const isNews = this.#seen.get(address)?.mac !== mac;
    this.#seen.set(address, { mac, atMs: nowMs });
    return isNews;
  }

  /** @returns addresses that nobody is known to answer for any more, each once */
  forget(nowMs: number): readonly Address[] {
    const gone: Address[] = [];
    for (const [address, { atMs }] of this.#seen) {
      if (nowMs - atMs >= FORGOTTEN_MS) gone.push(address);
    }
    for (const address of gone) this.#seen.delete(address);
    return gone;
  }
}
