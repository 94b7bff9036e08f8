/**
 * The order in which ipvsadm prints services and destinations. It compares by the sign of a
 * difference that wraps at 32 bits: addresses more than 2^31 apart stand the wrong way round, and
 * the relation can go in a circle. So the result depends on the algorithm and on the order the
 * kernel gave, and both are reproduced here; `Array.sort` would not do.
 */
import { addressToBytes } from '../../net/address.ts';
import type { IpvsDestination, IpvsService } from '../../netlink/ipvs.ts';
import { familyNumber } from '../../netlink/addressFamily.ts';

/** Four 32-bit words of a 16-byte field, an IPv4 address in the first; then the port. */
type Place = readonly [number, number, number, number, number];

interface Keyed<T> {
  readonly value: T;
  readonly family: number;
  readonly place: Place;
}

interface KeyedService<T> extends Keyed<T> {
  readonly fwmark: number;
  readonly protocol: number;
}

const NO_PLACE: Place = [0, 0, 0, 0, 0];

/** @param services in the kernel's order */
export function sortedServices(services: readonly IpvsService[]): IpvsService[] {
  const keyed = services.map((service): KeyedService<IpvsService> => {
    const value = service;
    const family = familyNumber(service.family);
    if (service.fwmark !== undefined) {
      return { value, family, fwmark: service.fwmark, protocol: 0, place: NO_PLACE };
    }
    const { protocol, address, port } = service;
    return { value, family, fwmark: 0, protocol, place: placeOf(address, port) };
  });
  return mergeSorted(keyed, compareServices).map(({ value }) => value);
}

/** @param destinations in the kernel's order */
export function sortedDestinations(destinations: readonly IpvsDestination[]): IpvsDestination[] {
  const keyed = destinations.map((value): Keyed<IpvsDestination> => {
    const { family, address, port } = value;
    return { value, family: familyNumber(family), place: placeOf(address, port) };
  });
  return mergeSorted(keyed, comparePlaces).map(({ value }) => value);
}

function placeOf(address: string, port: number): Place {
  const bytes = addressToBytes(address);
  const word = (at: number) =>
    at < bytes.length
      ? (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
      : 0;
  return [word(0), word(4), word(8), word(12), port];
}

function compareServices(a: KeyedService<unknown>, b: KeyedService<unknown>): number {
  const fwmark = (a.fwmark - b.fwmark) | 0;
  if (fwmark !== 0) return fwmark;
  return a.family - b.family || a.protocol - b.protocol || comparePlaces(a, b);
}

/** How many words count is decided by the first one's family, also when the other's differs. */
function comparePlaces(a: Keyed<unknown>, b: Keyed<unknown>): number {
  const words = a.family === familyNumber('IPv6') ? 4 : 1;
  for (let i = 0; i < words; i++) {
    const difference = (a.place[i]! - b.place[i]!) | 0;
    if (difference !== 0) return difference;
  }
  return a.place[4] - b.place[4];
}

/**
 * The merge sort of glibc's qsort(): halves of n/2 and n - n/2, the left one first where the
 * comparison is not positive.
 */
function mergeSorted<T>(list: readonly T[], compare: (a: T, b: T) => number): readonly T[] {
  if (list.length <= 1) return list;
  const middle = Math.floor(list.length / 2);
  const left = mergeSorted(list.slice(0, middle), compare);
  const right = mergeSorted(list.slice(middle), compare);
  const merged: T[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length && r < right.length) {
    merged.push(compare(left[l]!, right[r]!) <= 0 ? left[l++]! : right[r++]!);
  }
  while (l < left.length) merged.push(left[l++]!);
  while (r < right.length) merged.push(right[r++]!);
  return merged;
}
