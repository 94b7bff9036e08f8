/** The Nodes between which addresses of the cluster move. */
import type { Pool } from '../../config/loadBalancer/settings.ts';
import type { NodeResource } from '../../model/resources.ts';
import { entriesOn } from '../announcement.ts';
import type { MemberNode } from './electors.ts';

/**
 * Those that some pool is announced by: the others neither hear nor tell anything. Without pools
 * all of them, for addresses of pools that are gone.
 */
export function membersOf(
  nodes: Iterable<NodeResource>,
  pools: readonly Pool[],
): readonly MemberNode[] {
  const members: MemberNode[] = [];
  for (const { name, announcing, isLeaving, addresses, externalAddresses = [] } of nodes) {
    if (announcing === undefined) continue;
    const isSelected =
      pools.length === 0 ||
      pools.some(({ announce }) => entriesOn(announcing, announce).length > 0);
    if (!isSelected) continue;
    const internal = addresses.filter((address) => !externalAddresses.includes(address));
    members.push({ name, announcing, isLeaving, addresses: internal });
  }
  return members;
}
