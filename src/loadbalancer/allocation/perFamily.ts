/** At most one thing for each family. Every Service has several of these: a Map is large. */
import type { Family } from '../../net/family.ts';

const NONE: readonly never[] = [];

export class PerFamily<T> {
  #ipv4: T | undefined;
  #ipv6: T | undefined;

  get size(): number {
    return (this.#ipv4 === undefined ? 0 : 1) + (this.#ipv6 === undefined ? 0 : 1);
  }

  get(family: Family): T | undefined {
    return family === 'IPv4' ? this.#ipv4 : this.#ipv6;
  }

  has(family: Family): boolean {
    return this.get(family) !== undefined;
  }

  set(family: Family, value: T | undefined): void {
    if (family === 'IPv4') this.#ipv4 = value;
    else this.#ipv6 = value;
  }

  delete(family: Family): void {
    this.set(family, undefined);
  }

  clear(): void {
    this.#ipv4 = undefined;
    this.#ipv6 = undefined;
  }

  /** IPv4 first. */
  values(): readonly T[] {
    if (this.#ipv4 === undefined) return this.#ipv6 === undefined ? NONE : [this.#ipv6];
    return this.#ipv6 === undefined ? [this.#ipv4] : [this.#ipv4, this.#ipv6];
  }

  /** IPv4 first. */
  families(): readonly Family[] {
    if (this.#ipv4 === undefined) return this.#ipv6 === undefined ? NONE : ['IPv6'];
    return this.#ipv6 === undefined ? ['IPv4'] : ['IPv4', 'IPv6'];
  }
}
