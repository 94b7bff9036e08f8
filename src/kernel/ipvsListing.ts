/**
 * What `kube-ipvs list` reads: services with counters, one service or all, daemons, timeouts.
 * Unlike IpvsClient it opens one socket, never changes anything, and reads only what is asked.
 */
import { IPVS_GENL_NAME } from '../netlink/constants.ts';
import type {
  IpvsService,
  IpvsVersion,
  ServiceIdentity,
  SyncDaemon,
  Timeouts,
} from '../netlink/ipvs.ts';
import {
  type CounterChoice,
  decodeDaemon,
  decodeService,
  decodeTimeouts,
  decodeVersion,
} from '../netlink/ipvsReplies.ts';
import {
  encodeDumpDaemons,
  encodeGetService,
  encodeGetTimeouts,
  encodeGetVersion,
} from '../netlink/ipvsRequests.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { hasCode } from './errors.ts';
import { GenericSocket, type NamespaceOptions } from './genlFamily.ts';
import {
  dumpDestinations,
  dumpServices,
  type ListedService,
  withDestinations,
} from './ipvsDumps.ts';

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
  services(counters: CounterChoice): Promise<readonly IpvsService[]> {
    return dumpServices(this.#socket, counters);
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
      const [destinations = []] = await dumpDestinations(this.#socket, [service], counters);
      return { service, destinations };
    } catch (error) {
      if (hasCode(error, 'ESRCH')) return undefined;
      throw error;
    }
  }

  /** See {@link withDestinations}. */
  withDestinations(
    services: readonly IpvsService[],
    counters: CounterChoice,
  ): AsyncGenerator<readonly ListedService[]> {
    return withDestinations(this.#socket, services, counters);
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
}
