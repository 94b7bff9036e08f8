/**
 * What `kube-ipvs list` reads: services with counters, one service or all, daemons, timeouts. Unlike IpvsPort it opens one socket,
 * never changes anything, and reads only what is asked.
 */
import { IPVS_GENL_NAME } from '../netlink/constants.ts';
import type { ServiceIdentity, SyncDaemon, Timeouts } from '../netlink/ipvs.ts';
import type { IpvsVersion } from '../netlink/ipvs.ts';
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
import type { ListedService } from './ipvsPort.ts';

export class IpvsListing {
  readonly #socket: GenericSocket;

  constructor(options: NamespaceOptions = {}, open: OpenSocket = openSocket) {
    this.#socket = new GenericSocket(IPVS_GENL_NAME, options, open);
  }

  /** Also the probe: fails with ENOENT where the kernel has no IPVS, EPERM without the capability. */
  async version(): Promise<IpvsVersion> {
    return this.#socket.get('read IPVS version', encodeGetVersion, decodeVersion);
  }

  /** All services, each with its destinations, in the kernel's order. */
  async services(counters: CounterChoice): Promise<readonly ListedService[]> {
    const [services = []] = await this.#socket.dump(
      'list virtual servers',
      [encodeDumpServices],
      (message) => decodeService(message, counters),
    );
    return this.#withDestinations(services, counters);
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
      const [found] = await this.#withDestinations([service], counters);
      return found;
    } catch (error) {
      if (hasCode(error, 'ESRCH')) return undefined;
      throw error;
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

  async #withDestinations(
    services: readonly ListedService['service'][],
    counters: CounterChoice,
  ): Promise<readonly ListedService[]> {
    const lists = await this.#socket.dump(
      'list destinations',
      services.map((service) => (out, head) => {
        encodeDumpDestinations(out, head, service);
      }),
      (message, index) => decodeDestination(message, services[index]!.family, counters),
    );
    return services.map((service, i) => ({ service, destinations: lists[i]! }));
  }
}
