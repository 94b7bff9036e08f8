/**
 * When each address that is held is announced again: once an interval, a fifth more or less, at
 * moments of its own, so that thousands taken at once are not refreshed at once.
 */
import type { Address } from '../../net/address.ts';

export interface Refresh {
  readonly address: Address;
  readonly interfaces: readonly string[];
}

const JITTER = 0.2;
/** Due moments are rounded up to this. */
const SLOT_MS = 50;

export class RefreshSchedule {
  readonly #intervalMs: number;
  readonly #random: () => number;
  readonly #held = new Map<Address, { readonly interfaces: readonly string[]; slot: number }>();
  readonly #slots = new Map<number, Set<Address>>();
  /** no slot is before this one */
  #next = Infinity;

  /** @param options an interval of 0: never */
  constructor({ refreshIntervalMs, random }: { refreshIntervalMs: number; random: () => number }) {
    this.#intervalMs = refreshIntervalMs;
    this.#random = random;
  }

  /** @param interfaces replace those that it had; its moment stays */
  add(address: Address, interfaces: readonly string[], nowMs: number): void {
    if (this.#intervalMs === 0) return;
    const slot = this.#held.get(address)?.slot;
    this.#held.set(address, { interfaces, slot: slot ?? 0 });
    if (slot === undefined) this.#put(address, nowMs + this.#random() * this.#intervalMs);
  }

  delete(address: Address): void {
    const held = this.#held.get(address);
    if (held === undefined) return;
    this.#held.delete(address);
    const slot = this.#slots.get(held.slot);
    slot?.delete(address);
    if (slot?.size === 0) this.#slots.delete(held.slot);
  }

  /** Those that are due; each is due again after its interval. */
  take(nowMs: number): readonly Refresh[] {
    const due: Refresh[] = [];
    while (this.nextMs <= nowMs) {
      const slot = this.#slots.get(this.#next)!;
      this.#slots.delete(this.#next);
      for (const address of slot) {
        due.push({ address, interfaces: this.#held.get(address)!.interfaces });
      }
    }
    for (const { address } of due) {
      const factor = 1 + JITTER * (2 * this.#random() - 1);
      this.#put(address, nowMs + factor * this.#intervalMs);
    }
    return due;
  }

  /** Infinity: never */
  get nextMs(): number {
    if (this.#slots.size === 0) this.#next = Infinity;
    else while (!this.#slots.has(this.#next)) this.#next += 1;
    return this.#next * SLOT_MS;
  }

  #put(address: Address, dueMs: number): void {
    const slot = Math.ceil(dueMs / SLOT_MS);
    this.#held.get(address)!.slot = slot;
    this.#slots.set(slot, (this.#slots.get(slot) ?? new Set()).add(address));
    this.#next = Math.min(this.#next, slot);
  }
}
