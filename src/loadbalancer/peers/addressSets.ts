/** Sets of addresses, compared and taken from each other. */
import type { Address } from '../../net/address.ts';

export function areSame(one: ReadonlySet<Address>, other: ReadonlySet<Address>): boolean {
  if (one === other) return true;
  return one.size === other.size && [...one].every((address) => other.has(address));
}

/** @returns what is in `some` and not in `others`, in its order */
export function without(
  some: Iterable<Address>,
  others: { has(address: Address): boolean },
): readonly Address[] {
  return [...some].filter((address) => !others.has(address));
}
