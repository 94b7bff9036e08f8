/**
 * Claims of addresses by stations that are not this node: which of them are worth telling, so that
 * a flood of frames is not a flood of messages, and how often an address is defended.
 */
import type { Address } from '../../net/address.ts';
import type { Claim } from './frames.ts';

/** The same claim is told again after so long. */
const REPEAT_MS = 1000;
/** Claims kept in mind; with more of them in a second, some are told again. */
const MOST_CLAIMS = 4096;
/** RFC 5227 §2.4c, DEFEND_INTERVAL */
const DEFEND_INTERVAL_MS = 10_000;

export class ForeignClaims {
  #known: ReadonlySet<Address> = new Set();
  readonly #toldMs = new Map<string, number>();
  readonly #defendedMs = new Map<Address, number>();

  /** Claims of these are told. */
  setKnown(addresses: ReadonlySet<Address>): void {
    this.#known = addresses;
    for (const address of this.#defendedMs.keys()) {
      if (!addresses.has(address)) this.#defendedMs.delete(address);
    }
  }

  /** @returns whether to tell of it */
  isNews({ address, mac, isAnnouncement }: Claim, interfaceName: string, nowMs: number): boolean {
    if (!this.#known.has(address)) return false;
    const key = `${address} ${mac} ${interfaceName} ${isAnnouncement}`;
    const toldMs = this.#toldMs.get(key);
    if (toldMs !== undefined && nowMs - toldMs < REPEAT_MS) return false;
    // The oldest are in front.
    this.#toldMs.delete(key);
    this.#toldMs.set(key, nowMs);
    if (this.#toldMs.size > MOST_CLAIMS) this.#toldMs.delete(this.#toldMs.keys().next().value!);
    return true;
  }

  /** @returns whether it may be defended against strangers now, which then counts as done */
  defends(address: Address, nowMs: number): boolean {
    const lastMs = this.#defendedMs.get(address);
    if (lastMs !== undefined && nowMs - lastMs < DEFEND_INTERVAL_MS) return false;
    this.#defendedMs.set(address, nowMs);
    return true;
  }
}
