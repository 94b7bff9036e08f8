/**
 * Which netfilter connections keep a UDP flow from where its Service is now, while its client goes
 * on from the same port and so keeps them alive for ever. Decides from what a round did; listing
 * and deleting is kernel/'s. Two kinds, both seen in the lab:
 *
 * - The flow is older than its virtual server: it left through the default gateway, or met a closed
 *   port. IPVS takes its packets up afterwards, but netfilter does not translate a known connection
 *   anew, so they are not masqueraded as they must be.
 * - An earlier proxy in iptables or nftables mode has bound it to an endpoint that is gone:
 *   netfilter sends it there, past IPVS.
 *
 * What IPVS itself has bound to a removed destination needs nothing: with `expire_nodest_conn` and
 * `conntrack` set the kernel lets go of both entries. Every flow that goes to a present destination
 * is left alone (kubernetes issue 122740).
 */
import type { ApplyReport } from '../dataplane/operations.ts';
import {
  type DestinationKey,
  destinationKey,
  type ServerKey,
  serverKey,
  type VirtualServer,
} from '../dataplane/state.ts';
import type { Address } from '../net/address.ts';
import type { ConntrackEntry } from '../netlink/conntrack.ts';

export type Servers = ReadonlyMap<ServerKey, VirtualServer>;

interface Suspicion {
  readonly address: Address;
  readonly port: number;
  /** its address attracts traffic to it that went elsewhere before */
  hasArrived: boolean;
  readonly removed: Set<DestinationKey>;
}

/** UDP virtual servers that may have stale flows. */
export class SuspectServers {
  readonly #suspects = new Map<ServerKey, Suspicion>();

  get size(): number {
    return this.#suspects.size;
  }

  /** address and port of each */
  get frontends(): readonly Pick<Suspicion, 'address' | 'port'>[] {
    return [...this.#suspects.values()];
  }

  /** @param servers in the kernel after the round */
  note({ done }: Pick<ApplyReport, 'done'>, servers: Servers): void {
    const bound = new Set<Address>();
    const arrived = new Set<Address>();
    for (const operation of done) {
      if (operation.op === 'bindAddress') bound.add(operation.address);
      if (operation.op === 'addServer') {
        arrived.add(operation.server.address);
        this.#arrived(operation.server);
      }
      if (operation.op === 'removeDestination' && operation.server.protocol === 'UDP') {
        this.#suspect(operation.server).removed.add(destinationKey(operation.destination));
      }
    }
    // Servers and their address come in one round unless something failed, so this walk is rare.
    for (const address of arrived) bound.delete(address);
    if (bound.size === 0) return;
    for (const server of servers.values()) if (bound.has(server.address)) this.#arrived(server);
  }

  /** @param servers in the kernel now: later rounds may have changed what was noted */
  isStale({ original, reply }: ConntrackEntry, servers: Servers): boolean {
    const key = serverKey({
      address: original.destination,
      port: original.destinationPort,
      protocol: 'UDP',
    });
    const suspicion = this.#suspects.get(key);
    const server = servers.get(key);
    if (suspicion === undefined || server === undefined) return false;
    const goesTo = destinationKey({ address: reply.source, port: reply.sourcePort });
    if (server.destinations.has(goesTo)) return false;
    return suspicion.hasArrived || suspicion.removed.has(goesTo);
  }

  #arrived(server: Pick<VirtualServer, 'address' | 'port' | 'protocol'>): void {
    if (server.protocol === 'UDP') this.#suspect(server).hasArrived = true;
  }

  #suspect(server: Pick<VirtualServer, 'address' | 'port' | 'protocol'>): Suspicion {
    const key = serverKey(server);
    let suspicion = this.#suspects.get(key);
    if (suspicion === undefined) {
      const { address, port } = server;
      suspicion = { address, port, hasArrived: false, removed: new Set() };
      this.#suspects.set(key, suspicion);
    }
    return suspicion;
  }
}
