/**
 * Which of the announced addresses this node's kernel serves: it has a virtual server there with a
 * destination that takes connections. Nobody is to be led to a node that refuses.
 */
import type { Operation } from '../../dataplane/operations.ts';
import type { VirtualServer } from '../../dataplane/state.ts';
import type { Address } from '../../net/address.ts';

export interface ServableChanges {
  readonly came: readonly Address[];
  readonly went: readonly Address[];
}

export class ServableBook {
  readonly #servable = new Set<Address>();

  /**
   * @param asked announced addresses that are to be looked at; one that is not announced any more
   *   counts as not servable
   * @param isAnnounced of those that are
   */
  look(
    asked: ReadonlySet<Address>,
    isAnnounced: (address: Address) => boolean,
    servers: Iterable<VirtualServer>,
  ): ServableChanges {
    const served = new Set<Address>();
    for (const server of servers) {
      if (asked.has(server.address) && takesConnections(server)) served.add(server.address);
    }
    const came: Address[] = [];
    const went: Address[] = [];
    for (const address of asked) {
      const isServed = served.has(address) && isAnnounced(address);
      if (isServed === this.#servable.has(address)) continue;
      if (isServed) this.#servable.add(address);
      else this.#servable.delete(address);
      (isServed ? came : went).push(address);
    }
    return { came, went };
  }
}

/** Not all of its destinations drain. */
function takesConnections({ destinations }: VirtualServer): boolean {
  for (const { weight } of destinations.values()) if (weight > 0) return true;
  return false;
}

/** Addresses of virtual servers that an operation concerns. */
export function addressesIn(operations: readonly Operation[]): ReadonlySet<Address> {
  return new Set(operations.flatMap((each) => ('server' in each ? [each.server.address] : [])));
}
