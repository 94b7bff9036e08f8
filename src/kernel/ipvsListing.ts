/**
 * What `kube-ipvs list` reads: services with counters, one service or all, daemons, timeouts.
 * Unlike IpvsClient it opens one socket, never changes anything, and reads only what is asked.
 */
import { IPVS_GENL_NAME } from '../netlink/constants.ts';
import type {
  IpvsDestination,
  IpvsService,
  IpvsVersion,
  ServiceIdentity,
  SyncDaemon,
  Timeouts,
} from '../netlink/ipvs.ts';
import {
  type CounterChoice,
  decodeDaemon,
  decodeDestination,
  decodeService,
  decodeTimeouts,
  decodeVersion,
} from '../netlink/ipvsReplies.ts';
import {
  encodeDumpDaemons,
  encodeDumpDestinations,
  encodeDumpServices,
  encodeGetService,
  encodeGetTimeouts,
  encodeGetVersion,
} from '../netlink/ipvsRequests.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { hasCode } from './errors.ts';
import { GenericSocket, type NamespaceOptions } from './genlFamily.ts';
import type { ListedService } from './ipvsClient.ts';
import { MAX_BATCH } from './netlinkSocket.ts';

/** Services whose destinations are read in one trip. */
const PIECE = MAX_BATCH;

export class IpvsListing {
  readonly #socket: GenericSocket;

  constructor(options: NamespaceOptions = {}, open: OpenSocket = openSocket) {
    this.#socket = new GenericSocket(IPVS_GENL_NAME, options, open);
  }

  /**
   * Also the probe: fails with ENOENT where the kernel has no IPVS, EPERM without the capability.
   */
  async version(): Promise<IpvsVersion> {
    return this.#socket.get('read IPVS version', encodeGetVersion, decodeVersion);
  }

  /** All services, in the kernel's order. */
  async services(counters: CounterChoice): Promise<readonly IpvsService[]> {
    const [services = []] = await this.#socket.dump(
      'list virtual servers',
      [encodeDumpServices],
      (message) => decodeService(message, counters),
    );
    return services;
  }

  /** @returns undefined when there is no such service */
  async service(
    identity: ServiceIdentity,
    counters: CounterChoice,
  ): Promise<ListedService | undefined> {
    try {
      const service = await this.#socket.get(
        'read a virtual server',
        (out, head) => {
          encodeGetService(out, head, identity);
        },
        (message) => decodeService(message, counters),
      );
      const [destinations = []] = await this.#destinations([service], counters);
      return { service, destinations };
    } catch (error) {
      if (hasCode(error, 'ESRCH')) return undefined;
      throw error;
    }
  }

  /**
   * The services with their destinations, in pieces of some hundred, so that a listing of any size
   * takes little memory; while one piece is printed the kernel is asked for the next. A service
   * that is gone meanwhile has no destinations.
   */
  async *withDestinations(
    services: readonly IpvsService[],
    counters: CounterChoice,
  ): AsyncGenerator<readonly ListedService[]> {
    const pieces: (readonly IpvsService[])[] = [];
    for (let at = 0; at < services.length; at += PIECE) pieces.push(services.slice(at, at + PIECE));
    let next = this.#destinations(pieces[0] ?? [], counters);
    for (const [i, piece] of pieces.entries()) {
      const lists = await next;
      next = this.#destinations(pieces[i + 1] ?? [], counters);
      // Whoever stops reading here never comes to see what became of it.
      next.catch(() => undefined);
      yield piece.map((service, k) => ({ service, destinations: lists[k]! }));
    }
  }

  async timeouts(): Promise<Timeouts> {
    return this.#socket.get('read IPVS timeouts', encodeGetTimeouts, decodeTimeouts);
  }

  /** None, the master, the backup, or both. */
  async daemons(): Promise<readonly SyncDaemon[]> {
    const [daemons = []] = await this.#socket.dump(
      'list synchronisation daemons',
      [encodeDumpDaemons],
      decodeDaemon,
    );
    return daemons;
  }

  close(): void {
    this.#socket.close();
  }

  #destinations(
    services: readonly IpvsService[],
    counters: CounterChoice,
  ): Promise<readonly (readonly IpvsDestination[])[]> {
    return this.#socket.dump(
      'list destinations',
      services.map((service) => (out, head) => {
        encodeDumpDestinations(out, head, service);
      }),
      (message, index) => decodeDestination(message, services[index]!.family, counters),
    );
  }
}
