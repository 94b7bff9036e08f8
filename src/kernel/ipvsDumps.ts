/**
 * Dumps of IPVS, cheaply: one of the services, then those of their destinations, many in one trip
 * (two system calls each), in pieces, so that any number of them takes little memory and holds up
 * nobody. Not atomic: IPVS dumps are not.
 */
import type { IpvsDestination, IpvsService, ServiceIdentity } from '../netlink/ipvs.ts';
import { type CounterChoice, decodeDestination, decodeService } from '../netlink/ipvsReplies.ts';
import { encodeDumpDestinations, encodeDumpServices } from '../netlink/ipvsRequests.ts';
import type { GenericSocket } from './genlFamily.ts';
import { MAX_BATCH } from './netlinkSocket.ts';

/** A service as the kernel has it, whatever its form. */
export interface ListedService {
  readonly service: IpvsService;
  /** newest first, as the kernel lists them */
  readonly destinations: readonly IpvsDestination[];
}

type Dumping = Pick<GenericSocket, 'dump'>;

/** Services whose destinations are read in one trip. */
const PIECE = MAX_BATCH;

/** All of the namespace, in the kernel's order. */
export async function dumpServices(
  socket: Dumping,
  counters: CounterChoice,
): Promise<readonly IpvsService[]> {
  const [services = []] = await socket.dump(
    'list virtual servers',
    [encodeDumpServices],
    (message) => decodeService(message, counters),
  );
  return services;
}

/** @returns a list for each of the services; none of one that is gone */
export function dumpDestinations(
  socket: Dumping,
  services: readonly ServiceIdentity[],
  counters: CounterChoice,
): Promise<readonly (readonly IpvsDestination[])[]> {
  return socket.dump(
    'list destinations',
    services.map((service) => (out, head) => {
      encodeDumpDestinations(out, head, service);
    }),
    (message, index) => decodeDestination(message, services[index]!.family, counters),
  );
}

/**
 * The services with their destinations; while one piece is worked on the kernel is asked for the
 * next. A service that is gone meanwhile has no destinations.
 */
export async function* withDestinations(
  socket: Dumping,
  services: readonly IpvsService[],
  counters: CounterChoice,
): AsyncGenerator<readonly ListedService[]> {
  const pieces: (readonly IpvsService[])[] = [];
  for (let at = 0; at < services.length; at += PIECE) pieces.push(services.slice(at, at + PIECE));
  let next = dumpDestinations(socket, pieces[0] ?? [], counters);
  for (const [i, piece] of pieces.entries()) {
    const lists = await next;
    next = dumpDestinations(socket, pieces[i + 1] ?? [], counters);
    // Whoever stops reading here never comes to see what became of it.
    next.catch(() => undefined);
    yield piece.map((service, k) => ({ service, destinations: lists[k]! }));
  }
}
