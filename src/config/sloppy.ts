/**
 * Addresses in configuration, read as kube-proxy reads them: IPv4 octets may carry leading zeros, which are decimal. The
 * strict readers of net/ are for everything that comes from the API or the kernel.
 */
import { type Address, joinHostPort, parseAddress } from '../net/address.ts';
import { type Prefix, parsePrefix } from '../net/prefix.ts';

export function parseSloppyAddress(text: string): Address | undefined {
  return parseAddress(dropLeadingZeros(text));
}

export function parseSloppyPrefix(text: string): Prefix | undefined {
  return parsePrefix(dropLeadingZeros(text));
}

/** IPv4 octets only: in an IPv6 address zeros are harmless, and `::ffff:010.…` is not worth a rule. */
function dropLeadingZeros(text: string): string {
  return text.includes(':') ? text : text.replace(/(^|\.)0+(?=\d)/g, '$1');
}

export interface HostPort {
  readonly address: Address;
  readonly port: number;
}

/** `0.0.0.0:10256` or `[::]:10256`. @returns undefined when it is anything else, a host name included */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const address = parseSloppyAddress(match[1] ?? match[2]!);
  const port = Number(match[3]);
  const isBracketed = match[1] !== undefined;
  if (address === undefined || isBracketed !== address.includes(':')) return undefined;
  return port >= 1 && port <= 65535 ? { address, port } : undefined;
}

/** A bare address gets the port; whatever already has one, or is no address, stays as it is for validation to judge. */
export function appendPort(text: string, port: number): string {
  const address = parseSloppyAddress(text.replace(/^\[(.*)\]$/, '$1'));
  return address === undefined ? text : joinHostPort(address, port);
}
