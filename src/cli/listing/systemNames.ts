/**
 * The names this machine knows: addresses of hosts and ports of services by the C library, names of
 * addresses by reverse lookup (files, then DNS, as the system is set up). The one file here that
 * looks outside; what may wait is looked up before formatting begins.
 */
import { libraryNames, type ServiceProtocol } from '../../kernel/addon.ts';
import { type Address, parseAddress } from '../../net/address.ts';
import type { KnownNames } from '../ipvsadm/values.ts';
import type { Names } from './names.ts';

const PROTOCOL_NAMES: ReadonlyMap<number, ServiceProtocol> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);

/** A lookup can wait for a name server that does not answer, so they run side by side. */
const MAX_LOOKUPS = 64;

/** Names of this machine; what has been looked up once is kept. */
export class SystemNames implements Names {
  readonly #hosts = new Map<Address, string | undefined>();
  readonly #services = new Map<string, string | undefined>();

  /** Looks up what is not known yet. @param addresses all that will be asked for */
  async prepare(addresses: Iterable<Address>): Promise<void> {
    const missing = [...new Set(addresses)].filter((address) => !this.#hosts.has(address));
    let next = 0;
    const worker = async () => {
      while (next < missing.length) {
        const address = missing[next++]!;
        this.#hosts.set(address, await hostName(address));
      }
    };
    await Promise.all(Array.from({ length: MAX_LOOKUPS }, worker));
  }

  host(address: Address): string | undefined {
    return this.#hosts.get(address);
  }

  service(port: number, protocol: number): string | undefined {
    const name = PROTOCOL_NAMES.get(protocol);
    if (name === undefined) return undefined;
    return remembered(this.#services, `${port}/${name}`, () => {
      return libraryNames.serviceName(port, name);
    });
  }
}

async function hostName(address: Address): Promise<string | undefined> {
  try {
    // Loaded here: it takes half as long as the rest of a numeric listing.
    const { lookupService } = await import('node:dns/promises');
    const { hostname } = await lookupService(address, 0);
    // Node takes the name's bytes for Latin-1.
    const name = Buffer.from(hostname, 'latin1').toString();
    return name === address ? undefined : name;
  } catch {
    // No name, or no server that could tell: the number is printed.
    return undefined;
  }
}

/**
 * What the names on command lines mean, by the functions that ipvsadm calls. Node's own lookup is
 * another: it takes IPv6 literals for IPv4 hosts, sorts addresses, and writes names in punycode.
 */
export class SystemLookups implements KnownNames {
  readonly #hosts = new Map<string, Address | undefined>();
  readonly #ports = new Map<string, number | undefined>();

  host(name: string): Address | undefined {
    return remembered(this.#hosts, name, () => {
      return parseAddress(libraryNames.hostAddress(name) ?? '');
    });
  }

  port(name: string, protocol: number): number | undefined {
    const protocolName = PROTOCOL_NAMES.get(protocol);
    if (protocolName === undefined) return undefined;
    return remembered(this.#ports, `${name}/${protocolName}`, () => {
      return libraryNames.servicePort(name, protocolName);
    });
  }
}

function remembered<K, V>(known: Map<K, V | undefined>, key: K, find: () => V | undefined) {
  if (!known.has(key)) known.set(key, find());
  return known.get(key);
}
