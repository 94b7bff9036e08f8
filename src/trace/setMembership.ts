/**
 * Whether a packet is in an IP set, for each of the types that we make; the entries are those that
 * `ipset save` prints.
 */
import type { IpSet } from '../dataplane/state.ts';
import { type Address, familyOf } from '../net/address.ts';
import type { Protocol } from '../net/family.ts';
import { addressBits, parsePrefix, prefixContains } from '../net/prefix.ts';
import type { Directions } from './rule.ts';

/** What sets look at. */
export interface Facts {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  /** the destination's */
  readonly port: number;
}

/** @throws where the rule asks for a source port, which the tracer is not told */
export function isInSet(set: IpSet, dirs: Directions, facts: Facts): boolean {
  const address = (dir: Directions[number] | undefined) =>
    dir === 'src' ? facts.source : facts.destination;
  if (set.type === 'hash:ip') return set.entries.has(address(dirs[0]));
  if (set.type === 'hash:net') return holds(set, '', address(dirs[0]));
  if (dirs[set.type === 'bitmap:port' ? 0 : 1] !== 'dst') {
    throw new Error(`the tracer knows destination ports only: ${set.name} ${dirs.join(',')}`);
  }
  if (set.type === 'bitmap:port') return set.entries.has(String(facts.port));
  const start = `${address(dirs[0])},${facts.protocol.toLowerCase()}:${facts.port}`;
  if (set.type === 'hash:net,port') {
    const port = `,${facts.protocol.toLowerCase()}:${facts.port}`;
    const nets = [...set.entries].filter((entry) => entry.endsWith(port));
    const entries = new Set(nets.map((entry) => entry.slice(0, -port.length)));
    return holds({ ...set, entries }, '', address(dirs[0]));
  }
  if (set.type === 'hash:ip,port') return set.entries.has(start);
  if (set.type === 'hash:ip,port,ip') return set.entries.has(`${start},${address(dirs[2])}`);
  return holds(set, `${start},`, address(dirs[2]));
}

/** Whether some prefix among the entries that begin with `start` holds the address. */
function holds(set: IpSet, start: string, address: Address): boolean {
  const length = addressBits(familyOf(address));
  return [...set.entries].some((entry) => {
    if (!entry.startsWith(start)) return false;
    const net = entry.slice(start.length);
    return prefixContains(parsePrefix(net.includes('/') ? net : `${net}/${length}`)!, address);
  });
}
