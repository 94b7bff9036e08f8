/** Addresses that are given to nobody, and whose they are. */
import type { BalancedService } from '../../model/balancedService.ts';
import type { Address } from '../../net/address.ts';
import { addressesIn, addressesInStatus } from './readLists.ts';

/** By canonical address. */
export interface OutsideAddresses {
  /** InternalIP and ExternalIP: the Node's name */
  readonly nodes: ReadonlyMap<Address, string>;
  /** seen on the wire: the MAC address of who answers for it */
  readonly foreignOwners: ReadonlyMap<Address, string>;
}

export class Reservations {
  readonly #outside: OutsideAddresses;
  readonly #clusterIPs = new Map<Address, string>();
  readonly #externalIPs = new Map<Address, string>();
  /** in the status of Services that are not ours */
  readonly #occupied = new Map<Address, string>();
  /** all of these */
  readonly #reserved: Set<Address>;

  constructor(outside: OutsideAddresses) {
    this.#outside = outside;
    this.#reserved = new Set([...outside.nodes.keys(), ...outside.foreignOwners.keys()]);
  }

  /** Notes what any Service reserves. @param key its own */
  reserve(key: string, { clusterIPs, externalIPs }: BalancedService): void {
    this.#note(this.#clusterIPs, addressesIn(clusterIPs), key);
    this.#note(this.#externalIPs, addressesIn(externalIPs), key);
  }

  /** Notes what is in the status of a Service that is not ours. @param key its own */
  occupy(key: string, service: BalancedService): void {
    this.#note(this.#occupied, addressesInStatus(service), key);
  }

  /** Whose it is, so that even who holds it loses it: `the address of Node n1`. */
  takenAwayFor(address: Address): string | undefined {
    const node = this.#outside.nodes.get(address);
    if (node !== undefined) return `the address of Node ${node}`;
    const service = this.#clusterIPs.get(address);
    return service === undefined ? undefined : `the cluster IP of Service ${service}`;
  }

  /** Whose it is, so that nobody gets it. */
  reservedFor(address: Address): string | undefined {
    const owner = this.takenAwayFor(address);
    if (owner !== undefined) return owner;
    const service = this.#externalIPs.get(address);
    if (service !== undefined) return `an external IP of Service ${service}`;
    const mac = this.#outside.foreignOwners.get(address);
    return mac === undefined ? undefined : `answered for on the network by ${mac}`;
  }

  /** The Service of somebody else that has it. */
  occupant(address: Address): string | undefined {
    return this.#occupied.get(address);
  }

  isReserved(address: Address): boolean {
    return this.#reserved.has(address);
  }

  /** Of several the first by name is told, whatever the order they come in. */
  #note(owners: Map<Address, string>, addresses: readonly Address[], key: string): void {
    for (const address of addresses) {
      this.#reserved.add(address);
      const known = owners.get(address);
      if (known === undefined || key < known) owners.set(address, key);
    }
  }
}
