/** Addresses with ports, the address read as kube-proxy reads it. */
import { type Address, joinHostPort } from './address.ts';
import { parseSloppyAddress } from './sloppy.ts';

export interface HostPort {
  readonly address: Address;
  readonly port: number;
}

/**
 * `0.0.0.0:10256` or `[::]:10256`. @returns undefined when it is anything else, a host name
 * included
 */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain] = match;
  const host = bracketed ?? plain!;
  const address = parseSloppyAddress(host);
  const port = Number(match[3]);
  if (address === undefined || (bracketed !== undefined) !== host.includes(':')) return undefined;
  return port >= 1 && port <= 65535 ? { address, port } : undefined;
}

/**
 * A bare address gets the port; whatever already has one, or is no address, stays as it is for
 * validation to judge.
 */
export function appendPort(text: string, port: number): string {
  const address = parseSloppyAddress(text.replace(/^\[(.*)\]$/, '$1'));
  return address === undefined ? text : joinHostPort(address, port);
}
