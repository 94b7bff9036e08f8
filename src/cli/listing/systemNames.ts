/**
 * The names this machine knows: hosts by reverse lookup (files, then DNS, as the system is set up), ports from
 * /etc/services. The one file here that looks outside; everything is looked up before formatting begins.
 */
import { lookupService, lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import type { Address } from '../../net/address.ts';
import type { KnownNames } from '../ipvsadm/values.ts';
import type { Names } from './names.ts';

const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);

/** A lookup can wait for a name server that does not answer, so they run side by side. */
const MAX_LOOKUPS = 64;

/** Ports by `80/tcp`, numbers by `http/tcp`, aliases too. */
export interface ServiceTable {
  readonly names: ReadonlyMap<string, string>;
  readonly ports: ReadonlyMap<string, number>;
}

/** @param text of /etc/services; the first line for a port or a name wins, as in the C library */
export function parseServiceTable(text: string): ServiceTable {
  const names = new Map<string, string>();
  const ports = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name, place, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const found = /^(\d+)\/(\w+)$/.exec(place ?? '');
    if (name === undefined || found === null) continue;
    const [, port, protocol] = found;
    const key = `${Number(port)}/${protocol}`;
    if (!names.has(key)) names.set(key, name);
    for (const alias of [name, ...aliases]) {
      const aliasKey = `${alias}/${protocol}`;
      if (!ports.has(aliasKey)) ports.set(aliasKey, Number(port));
    }
  }
  return { names, ports };
}

const SERVICES_FILE = '/etc/services';
/** Small images have no such file: ports then stay numbers. */
const NO_SERVICES: ServiceTable = { names: new Map(), ports: new Map() };

function readServiceTable(): ServiceTable {
  try {
    return parseServiceTable(readFileSync(SERVICES_FILE, 'utf8'));
  } catch {
    return NO_SERVICES;
  }
}

/** Names of this machine; what has been looked up once is kept. */
export class SystemNames implements Names {
  readonly #hosts = new Map<Address, string | undefined>();
  #table: ServiceTable = NO_SERVICES;

  /** Looks up what is not known yet. @param addresses all that will be asked for */
  async prepare(addresses: Iterable<Address>): Promise<void> {
    if (this.#table === NO_SERVICES) this.#table = readServiceTable();
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
    return this.#table.names.get(`${port}/${PROTOCOL_NAMES.get(protocol)}`);
  }
}

async function hostName(address: Address): Promise<string | undefined> {
  try {
    const { hostname } = await lookupService(address, 0);
    return hostname === address ? undefined : hostname;
  } catch {
    // No name, or no server that could tell: the number is printed.
    return undefined;
  }
}

/** @returns undefined when the name has no IPv4 address */
async function hostAddress(name: string): Promise<Address | undefined> {
  try {
    return (await lookup(name, 4)).address;
  } catch {
    return undefined;
  }
}

/** What the names on command lines mean: hosts are looked up beforehand, ports read from /etc/services when one is met. */
export class SystemLookups implements KnownNames {
  readonly #hosts = new Map<string, Address | undefined>();
  #table: ServiceTable | undefined;

  async prepare(hosts: readonly string[]): Promise<void> {
    for (const name of hosts) {
      if (!this.#hosts.has(name)) this.#hosts.set(name, await hostAddress(name));
    }
  }

  host(name: string): Address | undefined {
    return this.#hosts.get(name);
  }

  port(name: string, protocol: number): number | undefined {
    this.#table ??= readServiceTable();
    return this.#table.ports.get(`${name}/${PROTOCOL_NAMES.get(protocol)}`);
  }
}
