/**
 * How the members of ipsets are written: exactly as `ipset save` prints them, so that both sides
 * compare as text.
 */
import { type Address, compareAddresses } from '../net/address.ts';
import type { Protocol } from '../net/family.ts';
import { type Prefix, addressBits, formatPrefix, prefixOf } from '../net/prefix.ts';

/** Member of a hash:ip,port set: `10.0.0.1,tcp:80`. */
export function addressPortEntry(address: Address, protocol: Protocol, port: number): string {
  return `${address},${protocol.toLowerCase()}:${port}`;
}

/** Member of a hash:ip,port,ip set: `10.0.0.1,tcp:80,10.0.0.2`. */
export function addressPortAddressEntry(
  address: Address,
  protocol: Protocol,
  port: number,
  second: Address,
): string {
  return `${addressPortEntry(address, protocol, port)},${second}`;
}

/** Members of a hash:ip,port,net set for one prefix; two for a /0, which ipset refuses. */
export function addressPortPrefixEntries(
  address: Address,
  protocol: Protocol,
  port: number,
  prefix: Prefix,
): readonly string[] {
  const start = addressPortEntry(address, protocol, port);
  return prefixEntries(prefix).map((entry) => `${start},${entry}`);
}

/** Members of a hash:net,port set for one prefix; two for a /0, which ipset refuses. */
export function prefixPortEntries(
  prefix: Prefix,
  protocol: Protocol,
  port: number,
): readonly string[] {
  return prefixEntries(prefix).map((entry) => addressPortEntry(entry, protocol, port));
}

/**
 * Members of a hash:net set for one prefix, as `ipset save` prints them: a host without length, a
 * /0 as two halves.
 */
export function prefixEntries(prefix: Prefix): readonly string[] {
  if (prefix.length === addressBits(prefix.family)) return [prefix.address];
  if (prefix.length > 0) return [formatPrefix(prefix)];
  const upperHalf = prefix.family === 'IPv4' ? '128.0.0.0' : '8000::';
  return [prefixOf(prefix.address, 1), prefixOf(upperHalf, 1)].map(formatPrefix);
}

/** A stable order for printing: by address, then the rest by number where it is one. */
export function compareEntries(a: string, b: string): number {
  const [left = '', ...leftRest] = a.split(',');
  const [right = '', ...rightRest] = b.split(',');
  const byFirst = compareFirst(left, right);
  if (byFirst !== 0) return byFirst;
  return leftRest.join().localeCompare(rightRest.join(), 'en', { numeric: true });
}

function compareFirst(a: string, b: string): number {
  if (/^\d+$/.test(a) && /^\d+$/.test(b)) return Number(a) - Number(b);
  const [left = '', leftLength = '128'] = a.split('/');
  const [right = '', rightLength = '128'] = b.split('/');
  return compareAddresses(left, right) || Number(leftLength) - Number(rightLength);
}
