/**
 * Whose a virtual server in the kernel is: its Service, and what stands behind each destination.
 */
import { destinationKey, type ServerKey } from '../../dataplane/state.ts';
import type { DestinationLine, ServerLine } from '../../localserver/serverLines.ts';
import { joinHostPort } from '../../net/address.ts';
import type { IpvsDestination, IpvsService } from '../../netlink/ipvs.ts';

/** `ns/name:port`, taken apart. */
export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
  /** empty for an unnamed port */
  readonly port: string;
}

export class Owners {
  /** where this is known from */
  readonly source: 'agent' | 'cluster' | 'manifests';
  readonly #services = new Map<ServerKey, string>();
  readonly #destinations = new Map<string, DestinationLine>();

  constructor(source: Owners['source'], lines: Iterable<ServerLine>) {
    this.source = source;
    for (const { server, service, destinations } of lines) {
      this.#services.set(server, service);
      for (const one of destinations) this.#destinations.set(`${server} ${one.destination}`, one);
    }
  }

  /** @returns `ns/name:port`, or undefined when no Service has it: firewall marks never have one */
  serviceOf(service: IpvsService): string | undefined {
    const key = keyOf(service);
    return key === undefined ? undefined : this.#services.get(key);
  }

  /**
   * @returns undefined when it is no endpoint of the Service now: it drains, or somebody else added
   * it
   */
  endpointOf(service: IpvsService, destination: IpvsDestination): DestinationLine | undefined {
    return this.#destinations.get(`${keyOf(service)} ${destinationKey(destination)}`);
  }
}

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [6, 'TCP'],
  [17, 'UDP'],
  [132, 'SCTP'],
]);

function keyOf(service: IpvsService): ServerKey | undefined {
  if (service.fwmark !== undefined) return undefined;
  const { address, port, protocol } = service;
  return `${joinHostPort(address, port)}/${PROTOCOLS.get(protocol) ?? protocol}`;
}

export function serviceName(text: string): ServiceName {
  const slash = text.indexOf('/');
  const [name = '', port = ''] = text.slice(slash + 1).split(':');
  return { namespace: text.slice(0, slash), name, port };
}
