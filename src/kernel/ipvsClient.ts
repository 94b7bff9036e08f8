/**
 * IPVS of one network namespace: read everything, carry out operations, count connections,
 * timeouts. Nothing is decided here.
 */
import { constants } from 'node:os';
import {
  type ActualState,
  type ServerKey,
  serverKey,
  type VirtualServer,
} from '../dataplane/state.ts';
import { IPVS_GENL_NAME } from '../netlink/constants.ts';
import type { IpvsDestination, IpvsVersion, Timeouts } from '../netlink/ipvs.ts';
import { type CounterChoice, decodeTimeouts, decodeVersion } from '../netlink/ipvsReplies.ts';
import { encodeGetTimeouts, encodeGetVersion, encodeSetTimeouts } from '../netlink/ipvsRequests.ts';
import type { DrainingDestination } from '../dataplane/operations.ts';
import { isSameServer } from '../plan/serverDifference.ts';
import { type OpenSocket, openSocket } from './addon.ts';
import { KernelError } from './errors.ts';
import { GenericSocket, type NamespaceOptions } from './genlFamily.ts';
import { applyIpvs, describe, type IpvsOperation, type IpvsReport } from './ipvsApply.ts';
import {
  dumpDestinations,
  dumpServices,
  type ListedService,
  withDestinations,
} from './ipvsDumps.ts';
import { identityOfKey, readServer } from './ipvsServer.ts';

export interface IpvsState {
  readonly virtualServers: ReadonlyMap<ServerKey, VirtualServer>;
  readonly foreignServers: ActualState['foreignServers'];
  /** of all, somebody else's too */
  readonly connections?: number;
}

const NONE: IpvsState['virtualServers'] = new Map();

/** A comparison of states has no use for them. */
const WITHOUT: CounterChoice = 'without-counters';

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

  /** Not atomic: IPVS dumps are not. @param known see Dataplane.read */
  async read(known: IpvsState['virtualServers'] = NONE): Promise<IpvsState> {
    const servers: VirtualServer[] = [];
    let isAllKnown = true;
    const foreignServers: string[] = [];
    let connections = 0;
    const take = ({ service, destinations }: ListedService) => {
      const { server, foreign } = readServer(service, destinations);
      for (const each of foreign) foreignServers.push(each);
      if (server !== undefined) {
        const before = known.get(serverKey(server));
        const isKnown = before !== undefined && isSameServer(before, server);
        isAllKnown &&= isKnown;
        servers.push(isKnown ? before : server);
      }
      for (const { activeConnections, inactiveConnections } of destinations)
        connections += activeConnections + inactiveConnections;
    };
    const services = await dumpServices(this.#reads, WITHOUT);
    for await (const piece of withDestinations(this.#reads, services, WITHOUT)) {
      for (const each of piece) take(each);
    }
    this.#foreign = new Set(foreignServers);
    // One may come twice instead of another that is gone.
    const isSame = isAllKnown && new Set(servers).size === known.size;
    const virtualServers = isSame ? known : byKey(servers);
    return { virtualServers, foreignServers: foreignServers.toSorted(), connections };
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
    const lists = await dumpDestinations(this.#reads, identities, WITHOUT);
    return known.flatMap(({ server }, i) => lists[i]!.map((one) => countOf(server, one)));
  }
}

function byKey(servers: readonly VirtualServer[]): ReadonlyMap<ServerKey, VirtualServer> {
  return new Map(servers.map((server) => [serverKey(server), server]));
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
