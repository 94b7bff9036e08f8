/**
 * Whose a failed operation is: the Service and, for a destination, the endpoint that it was to
 * serve, looked up in the desired state. What serves no Service (rules, sysctls, what is to be
 * removed) is the node's own.
 */
import {
  type DataplaneState,
  type Destination,
  destinationKey,
  type ServerKey,
  serverKey,
  type VirtualServer,
} from '../../dataplane/state.ts';
import type { Operation } from '../../dataplane/operations.ts';

export interface FailureOwner {
  /** `ns/name:port` */
  readonly label: string;
  /** `ns/name` */
  readonly service: string;
  readonly server: VirtualServer;
  /** for an operation on a destination */
  readonly destination?: Destination;
}

/** `10.96.0.10,tcp:80`, perhaps with more behind it. */
const ADDRESS_PORT = /^([^,]+),(tcp|udp|sctp):(\d+)/;

export class FailureOwners {
  readonly #desired: DataplaneState;
  #byAddress: ReadonlyMap<string, VirtualServer> | undefined;

  constructor(desired: DataplaneState) {
    this.#desired = desired;
  }

  ownerOf(operation: Operation): FailureOwner | undefined {
    switch (operation.op) {
      case 'addServer':
      case 'updateServer':
        return this.#at(serverKey(operation.server));
      case 'addDestination':
      case 'updateDestination': {
        const owner = this.#at(serverKey(operation.server));
        const key = destinationKey(operation.destination);
        const destination = owner?.server.destinations.get(key);
        return owner === undefined || destination === undefined
          ? undefined
          : { ...owner, destination };
      }
      case 'bindAddress':
        return this.#on(operation.address);
      case 'addEntry':
        return this.#ofEntry(operation.entry);
      default:
        return undefined;
    }
  }

  #at(key: ServerKey): FailureOwner | undefined {
    return ownerBy(this.#desired.virtualServers.get(key));
  }

  /**
   * Members of sets are addresses, addresses with a port (mostly a frontend's), or NodePorts, which
   * are looked for by number.
   */
  #ofEntry(entry: string): FailureOwner | undefined {
    const [, address, protocol, port] = ADDRESS_PORT.exec(entry) ?? [];
    if (address === undefined || protocol === undefined || port === undefined)
      return this.#on(entry);
    const key = { address, port: Number(port), protocol: protocol.toUpperCase() };
    return this.#at(serverKey(key as Pick<VirtualServer, 'address' | 'port' | 'protocol'>));
  }

  #on(address: string): FailureOwner | undefined {
    this.#byAddress ??= firstByAddress(this.#desired);
    return ownerBy(this.#byAddress.get(address));
  }
}

/**
 * One walk, and only when an address or a number has failed. A port's number stands for the
 * NodePort.
 */
function firstByAddress({ virtualServers, addresses }: DataplaneState) {
  const found = new Map<string, VirtualServer>();
  const note = (key: string, server: VirtualServer) => {
    if (!found.has(key)) found.set(key, server);
  };
  for (const server of virtualServers.values()) {
    note(server.address, server);
    if (!addresses.has(server.address)) note(String(server.port), server);
  }
  return found;
}

function ownerBy(server: VirtualServer | undefined): FailureOwner | undefined {
  if (server?.service === undefined) return undefined;
  const label = server.service;
  return { label, service: label.split(':')[0]!, server };
}
