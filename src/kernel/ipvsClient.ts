/**
 * IPVS of one network namespace: read everything, carry out operations, count connections,
 * timeouts. Nothing is decided here but how to read cheaply: one dump of the servers, then the
 * dumps of their destinations in one trip (two system calls each).
 */
import { constants } from 'node:os';
import {
  type ActualState,
  type ServerKey,
  serverKey,
  type VirtualServer,
} from '../dataplane/state.ts';
import { IPVS_GENL_NAME } from '../netlink/constants.ts';
import type {
  IpvsDestination,
  IpvsService,
  IpvsVersion,
  ServiceIdentity,
  Timeouts,
} from '../netlink/ipvs.ts';
import {
  type CounterChoice,
  decodeDestination,
  decodeService,
  decodeTimeouts,
  decodeVersion,
} from '../netlink/ipvsReplies.ts';
import {
  encodeDumpDestinations,
  encodeDumpServices,
  encodeGetTimeouts,
  encodeGetVersion,
  encodeSetTimeouts,
} from '../netlink/ipvsRequests.ts';
import type { DrainingDestination } from '../dataplane/operations.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { KernelError } from './errors.ts';
import { GenericSocket, type NamespaceOptions } from './genlFamily.ts';
import { applyIpvs, describe, type IpvsOperation, type IpvsReport } from './ipvsApply.ts';
import { identityOfKey, readServer } from './ipvsServer.ts';

export interface IpvsState {
  readonly virtualServers: ReadonlyMap<ServerKey, VirtualServer>;
  readonly foreignServers: ActualState['foreignServers'];
  /** of all, somebody else's too */
  readonly connections?: number;
}

/** A service as the kernel has it, whatever its form. */
export interface ListedService {
  readonly service: IpvsService;
  /** newest first, as the kernel lists them */
  readonly destinations: readonly IpvsDestination[];
}

export class IpvsClient {
  /**
   * A socket of its own for each: a dump that is under way refuses everything else, and reads need
   * not wait for a long run.
   */
  readonly #reads: GenericSocket;
  readonly #changes: GenericSocket;
  /** as last read */
  #foreign: ReadonlySet<ServerKey> = new Set();

  constructor(options: NamespaceOptions = {}, open: OpenSocket = openSocket) {
    this.#reads = new GenericSocket(IPVS_GENL_NAME, options, open);
    this.#changes = new GenericSocket(IPVS_GENL_NAME, options, open);
  }

  async read(): Promise<IpvsState> {
    const virtualServers = new Map<ServerKey, VirtualServer>();
    const foreignServers: string[] = [];
    let connections = 0;
    for (const { service, destinations } of await this.list('without-counters')) {
      const { server, foreign } = readServer(service, destinations);
      for (const each of foreign) foreignServers.push(each);
      if (server !== undefined) virtualServers.set(serverKey(server), server);
      for (const { activeConnections, inactiveConnections } of destinations)
        connections += activeConnections + inactiveConnections;
    }
    this.#foreign = new Set(foreignServers);
    return { virtualServers, foreignServers: foreignServers.toSorted(), connections };
  }

  /**
   * Every service of the namespace with its destinations, in the kernel's order. Not atomic: IPVS
   * dumps are not.
   */
  async list(counters: CounterChoice): Promise<readonly ListedService[]> {
    const [services = []] = await this.#reads.dump(
      'list virtual servers',
      [encodeDumpServices],
      (message) => decodeService(message, counters),
    );
    const lists = await this.#dumpDestinations(services, counters);
    return services.map((service, i) => ({ service, destinations: lists[i]! }));
  }

  /**
   * In the order given; see {@link applyIpvs}. What is somebody else's is refused here: the kernel
   * would change it.
   */
  async apply(run: readonly IpvsOperation[]): Promise<IpvsReport> {
    const isOurs = ({ server }: IpvsOperation) => !this.#foreign.has(serverKey(server));
    const report = await this.#applyOurs(run.filter(isOurs));
    const ours = report.outcomes.values();
    const outcomes = run.map((operation) =>
      isOurs(operation) ? ours.next().value : foreignServerError(operation),
    );
    return { ...report, outcomes };
  }

  #applyOurs(run: readonly IpvsOperation[]): Promise<IpvsReport> {
    return applyIpvs(run, {
      execute: (commands, batch) => this.#changes.execute(commands, batch),
      countConnections: (servers) => this.#countConnections(servers),
    });
  }

  /** Live connection counts of every weight-0 destination of these servers. */
  async connections(servers: readonly ServerKey[]): Promise<readonly DrainingDestination[]> {
    const counted = await this.#countConnections(servers);
    return counted.filter(({ destination }) => destination.weight === 0);
  }

  async timeouts(): Promise<Timeouts> {
    return this.#reads.get('read IPVS timeouts', encodeGetTimeouts, decodeTimeouts);
  }

  /** 0 leaves the kernel's value as it is. */
  async setTimeouts(timeouts: Timeouts): Promise<void> {
    const [outcome] = await this.#changes.execute([
      (out, head) => {
        encodeSetTimeouts(out, head, timeouts);
      },
    ]);
    const { errno, extack } = outcome!;
    if (errno === 0) return;
    const { tcpSec, tcpFinSec, udpSec } = timeouts;
    const op = `set IPVS timeouts to ${tcpSec} s, ${tcpFinSec} s, ${udpSec} s`;
    throw new KernelError({ op, errno, extack });
  }

  /**
   * Also the probe: fails with ENOENT where the kernel has no IPVS, EPERM without the capability.
   */
  async version(): Promise<IpvsVersion> {
    return this.#reads.get('read IPVS version', encodeGetVersion, decodeVersion);
  }

  close(): void {
    this.#reads.close();
    this.#changes.close();
  }

  async #countConnections(servers: readonly ServerKey[]): Promise<DrainingDestination[]> {
    const known = servers.flatMap((server) => {
      const identity = identityOfKey(server);
      return identity === undefined ? [] : [{ server, identity }];
    });
    const identities = known.map(({ identity }) => identity);
    const lists = await this.#dumpDestinations(identities, 'without-counters');
    return known.flatMap(({ server }, i) => lists[i]!.map((one) => countOf(server, one)));
  }

  #dumpDestinations(services: readonly ServiceIdentity[], counters: CounterChoice) {
    return this.#reads.dump(
      'list destinations',
      services.map((service) => (out, head) => {
        encodeDumpDestinations(out, head, service);
      }),
      (message, i) => decodeDestination(message, services[i]!.family, counters),
    );
  }
}

function foreignServerError(operation: IpvsOperation): KernelError {
  return new KernelError({
    op: describe(operation),
    errno: constants.errno.EEXIST,
    hint: `${serverKey(operation.server)} is another program's: none of its destinations is masqueraded; remove it, or give the Service another address or port`,
  });
}

function countOf(server: ServerKey, found: IpvsDestination): DrainingDestination {
  const { address, port, weight, activeConnections, inactiveConnections } = found;
  return {
    server,
    destination: { address, port, weight },
    activeConnections,
    inactiveConnections,
  };
}
