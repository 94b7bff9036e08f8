/**
 * Which interfaces of a node may answer for an address: those in its subnet, if any node has such
 * one, for a neighbour asks only where it takes the address to be on-link.
 */
import type { Announcement } from '../config/loadBalancer/settings.ts';
import { type Address, familyOf } from '../net/address.ts';
import { matchesGlob } from '../net/glob.ts';
import { prefixContains } from '../net/prefix.ts';
import type { AnnouncingInterface, CandidateNode } from './announcement.ts';

/** Of one node, for one address. */
export interface InterfaceChoice {
  /** in the address's subnet */
  readonly inSubnet: readonly string[];
  /** where no node has one in the subnet: named ones, and the default route's */
  readonly otherwise: readonly string[];
  /** nothing is known of its interfaces, and it is not judged by them */
  readonly isUnknown: boolean;
}

/** @param entries those that count on this node */
export function chooseInterfaces(
  { interfaces }: Pick<CandidateNode, 'interfaces'>,
  entries: readonly Announcement[],
  address: Address,
): InterfaceChoice {
  if (interfaces === undefined) return { inSubnet: [], otherwise: [], isUnknown: true };
  const family = familyOf(address);
  const inSubnet = new Set<string>();
  const otherwise = new Set<string>();
  for (const { interfaces: globs } of entries) {
    for (const each of interfaces) {
      if (globs.length > 0 && !globs.some((glob) => matchesGlob(glob, each.name))) continue;
      if (isInSubnet(each, address)) inSubnet.add(each.name);
      if (globs.length > 0 || each.defaultRoute.includes(family)) otherwise.add(each.name);
    }
  }
  return { inSubnet: sorted(inSubnet), otherwise: sorted(otherwise), isUnknown: false };
}

function isInSubnet({ prefixes }: AnnouncingInterface, address: Address): boolean {
  return prefixes.some((prefix) => prefixContains(prefix, address));
}

const sorted = (names: ReadonlySet<string>): readonly string[] => [...names].sort();
