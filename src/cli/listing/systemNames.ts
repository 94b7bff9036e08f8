/**
 * The names this machine knows: hosts by reverse lookup (files, then DNS, as the system is set up), ports from
 * /etc/services. The one file here that looks outside; everything is looked up before formatting begins.
 */
import { lookupService, lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import type { Address } from '../../net/address.ts';
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

async function readServiceTable(): Promise<ServiceTable> {
  try {
    return parseServiceTable(await readFile('/etc/services', 'utf8'));
  } catch {
    // Small images have no such file: ports then stay numbers.
    return { names: new Map(), ports: new Map() };
  }
}

/** @param addresses all that will be asked for */
export async function systemNames(addresses: Iterable<Address>): Promise<Names> {
  const [table, hosts] = await Promise.all([
    readServiceTable(),
    hostNames([...new Set(addresses)]),
  ]);
  return {
    host: (address) => hosts.get(address),
    service: (port, protocol) => table.names.get(`${port}/${PROTOCOL_NAMES.get(protocol)}`),
  };
}

async function hostNames(addresses: readonly Address[]): Promise<Map<Address, string>> {
  const names = new Map<Address, string>();
  let next = 0;
  const worker = async () => {
    while (next < addresses.length) {
      const address = addresses[next++]!;
      try {
        const { hostname } = await lookupService(address, 0);
        if (hostname !== address) names.set(address, hostname);
      } catch {
        // No name, or no server that could tell: the number is printed.
      }
    }
  };
  await Promise.all(Array.from({ length: MAX_LOOKUPS }, worker));
  return names;
}

/** @returns undefined when the name has no IPv4 address */
export async function hostAddress(name: string): Promise<Address | undefined> {
  try {
    return (await lookup(name, 4)).address;
  } catch {
    return undefined;
  }
}

/** @returns undefined when /etc/services does not have the name for this protocol */
export async function servicePort(name: string, protocol: number): Promise<number | undefined> {
  const { ports } = await readServiceTable();
  return ports.get(`${name}/${PROTOCOL_NAMES.get(protocol)}`);
}
