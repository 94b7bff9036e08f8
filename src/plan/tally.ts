/**
 * How much a state holds, kept current with it: whoever wants to know walks over nothing. Who
 * changes the state in place brackets that with {@link Tally.before} and {@link Tally.after} of the
 * keys that may change.
 */
import type { Operation } from '../dataplane/operations.ts';
import { type DataplaneState, type ServerKey, serverKey } from '../dataplane/state.ts';
import { type Address, familyOf } from '../net/address.ts';
import type { Family } from '../net/family.ts';

type ByFamily = Record<Family, number>;

/** What is about to change, or has just changed. */
export interface TallyKeys {
  readonly servers: ReadonlySet<ServerKey>;
  readonly addresses: ReadonlySet<Address>;
}

type Counted = Pick<DataplaneState, 'virtualServers' | 'addresses'>;

export class Tally {
  readonly virtualServers: ByFamily = { IPv4: 0, IPv6: 0 };
  readonly destinations: ByFamily = { IPv4: 0, IPv6: 0 };
  readonly addresses: ByFamily = { IPv4: 0, IPv6: 0 };

  /** Walks over the state, once. */
  static of(state: Counted): Tally {
    const tally = new Tally();
    const { virtualServers: servers, addresses } = state;
    tally.after(state, { servers: new Set(servers.keys()), addresses });
    return tally;
  }

  before(state: Counted, keys: TallyKeys): void {
    this.#count(state, keys, -1);
  }

  after(state: Counted, keys: TallyKeys): void {
    this.#count(state, keys, 1);
  }

  #count(state: Counted, { servers, addresses }: TallyKeys, step: 1 | -1): void {
    for (const key of servers) {
      const server = state.virtualServers.get(key);
      if (server === undefined) continue;
      const family = familyOf(server.address);
      this.virtualServers[family] += step;
      this.destinations[family] += step * server.destinations.size;
    }
    for (const address of addresses) {
      if (state.addresses.has(address)) this.addresses[familyOf(address)] += step;
    }
  }
}

export function keysOf(operations: readonly Operation[]): TallyKeys {
  const servers = new Set<ServerKey>();
  const addresses = new Set<Address>();
  for (const operation of operations) {
    if ('server' in operation) servers.add(serverKey(operation.server));
    if ('address' in operation) addresses.add(operation.address);
  }
  return { servers, addresses };
}
