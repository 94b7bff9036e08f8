/**
 * Which virtual servers in the kernel are ours to remove: those on an address of our dummy device, those in the ledger, and
 * those that our sets tell of (kube-proxy's own after a takeover: it wrote the same sets, but no ledger).
 */
import type { ActualState, VirtualServer } from '../desired/state.ts';
import { serverKey } from '../desired/state.ts';
import { familyOf } from '../net/address.ts';
import type { Ledger } from './ledger.ts';

export type Ownership = (server: Pick<VirtualServer, 'address' | 'port' | 'protocol'>) => boolean;

/** Evaluated against the kernel's state before a round changes it. */
export function ownership(actual: ActualState, ledger: Ledger): Ownership {
  return (server) =>
    actual.addresses.has(server.address) ||
    ledger.has(serverKey(server)) ||
    isInOurSets(actual, server);
}

const FRONTEND_SETS = ['CLUSTER-IP', 'EXTERNAL-IP', 'EXTERNAL-IP-LOCAL', 'LOAD-BALANCER'];

function isInOurSets(
  actual: ActualState,
  { address, port, protocol }: Pick<VirtualServer, 'address' | 'port' | 'protocol'>,
): boolean {
  const prefix = familyOf(address) === 'IPv4' ? 'KUBE-' : 'KUBE-6-';
  const holds = (name: string, entry: string) =>
    actual.ipsets.get(prefix + name)?.entries.has(entry) ?? false;
  const entry = `${address},${protocol.toLowerCase()}:${port}`;
  if (protocol === 'SCTP' && holds('NODE-PORT-SCTP-HASH', entry)) return true;
  if (protocol !== 'SCTP' && holds(`NODE-PORT-${protocol}`, String(port))) return true;
  return FRONTEND_SETS.some((name) => holds(name, entry));
}
