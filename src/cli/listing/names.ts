/**
 * How a listing writes an address with its port: in numbers, or with the names that this machine
 * knows for them. Which names there are is found out elsewhere (systemNames.ts) and handed in, so
 * that formatting stays a pure function.
 */
import { type Address, addressToBytes } from '../../net/address.ts';

export interface Names {
  /** @returns undefined when the address has no name */
  host(address: Address): string | undefined;
  /** @param protocol IANA number */
  service(port: number, protocol: number): string | undefined;
}

/** `-n` */
export const NUMERIC: Names = { host: () => undefined, service: () => undefined };

/** ipvsadm's buffer; what does not fit is lost, the port first. */
const MAX_LENGTH = 59;

/**
 * `10.0.0.1:80`, `[fd00::1]:80`, `db.example:mysql`, `[localhost]:http`. @param protocol of the
 * service; 0 for a mark
 */
export function socketName(address: Address, port: number, protocol: number, names: Names): string {
  const host = names.host(address) ?? numericAddress(address);
  const service = names.service(port, protocol) ?? String(port);
  const text = address.includes(':') ? `[${host}]:${service}` : `${host}:${service}`;
  return text.slice(0, MAX_LENGTH);
}

/**
 * As inet_ntop() of the C library writes it: that is RFC 5952, but an IPv6 address with an IPv4 one
 * inside (mapped, or the old compatible form) ends in a dotted quad.
 */
export function numericAddress(address: Address): string {
  if (!address.startsWith('::')) return address;
  const bytes = addressToBytes(address);
  const isZero = (from: number, to: number) => bytes.subarray(from, to).every((byte) => byte === 0);
  const dotted = bytes.subarray(12).join('.');
  if (isZero(0, 10) && bytes[10] === 0xff && bytes[11] === 0xff) return `::ffff:${dotted}`;
  return isZero(0, 12) && !isZero(12, 14) ? `::${dotted}` : address;
}
