/**
 * Addresses that a Service lists, read once: objects do not change, and most are the same ones at
 * the next allocation.
 */
import type { BalancedService } from '../../model/balancedService.ts';
import type { Address } from '../../net/address.ts';
import { addressToNumber } from '../../net/addressRange.ts';
import { parseSloppyAddress } from '../../net/sloppy.ts';

const NONE: readonly never[] = [];

/** Its valid addresses, canonical, in order, each once. */
export function addressesInStatus({ ingress }: BalancedService): readonly Address[] {
  return ingress.length === 0 ? NONE : inStatus(ingress);
}

/** The valid ones among them, canonical, in order, each once. */
export function addressesIn(texts: readonly string[]): readonly Address[] {
  return texts.length === 0 ? NONE : inTexts(texts);
}

/** The numbers of {@link addressesInStatus}. */
export function numbersInStatus({ ingress }: BalancedService): readonly bigint[] {
  return ingress.length === 0 ? NONE : numbers(ingress);
}

const inTexts = once((texts: readonly string[]) => canonical(texts));
const inStatus = once((ingress: BalancedService['ingress']) =>
  canonical(ingress.flatMap(({ ip }) => ip ?? [])),
);
const numbers = once((ingress: BalancedService['ingress']) =>
  inStatus(ingress).map(addressToNumber),
);

function canonical(texts: readonly string[]): readonly Address[] {
  return [...new Set(texts.flatMap((text) => parseSloppyAddress(text) ?? []))];
}

function once<List extends object, Read>(read: (list: List) => Read): (list: List) => Read {
  const known = new WeakMap<List, Read>();
  return (list) => {
    const before = known.get(list);
    if (before !== undefined) return before;
    const found = read(list);
    known.set(list, found);
    return found;
  };
}
