/**
 * Which virtual servers in the kernel are ours to remove: those on an address of our dummy device,
 * and those in the ledger. At the first reading the ledger takes in what an earlier proxy left
 * elsewhere (kube-proxy wrote the same sets, but no ledger).
 */
import { addressPortEntry } from '../dataplane/setEntries.ts';
import type { SetName } from '../desired/ipsets.ts';
import { ADDRESSES_PART, SERVERS_PART, setPart } from '../dataplane/part.ts';
import { setName } from '../dataplane/setNames.ts';
import {
  type ActualState,
  type DesiredState,
  type ServerKey,
  serverKey,
  type VirtualServer,
} from '../dataplane/state.ts';
import type { Address } from '../net/address.ts';
import { familyOf } from '../net/address.ts';
import { FAMILIES } from '../net/family.ts';

type ServerIdentity = Pick<VirtualServer, 'address' | 'port' | 'protocol'>;

/** What earlier processes noted of servers whose address does not tell; kernel/ledger.ts is it. */
export interface NotedServers {
  has(key: ServerKey): boolean;
  add(key: ServerKey): void;
}

export type Ownership = (server: ServerIdentity) => boolean;

/** Evaluated against the kernel's state before a round changes it. */
export function ownership(actual: ActualState, ledger: Pick<NotedServers, 'has'>): Ownership {
  return (server) => actual.addresses.has(server.address) || ledger.has(serverKey(server));
}

/** Sets whose members are the address and port of a virtual server. */
const FRONTEND_SETS: readonly SetName[] = [
  'KUBE-CLUSTER-IP',
  'KUBE-EXTERNAL-IP',
  'KUBE-EXTERNAL-IP-LOCAL',
  'KUBE-LOAD-BALANCER',
  'KUBE-NODE-PORT-SCTP-HASH',
];

/**
 * Sets whose members are a port of the node's own addresses: of another address they say nothing.
 */
const PORT_SETS = { TCP: 'KUBE-NODE-PORT-TCP', UDP: 'KUBE-NODE-PORT-UDP' } as const;

/**
 * Enters in the ledger the servers that our sets tell of, and those that are wanted as they are.
 * Only at a start: later the ledger has every server of ours, and a port in a set would make
 * somebody else's new server ours.
 *
 * @returns false when something that tells of them could not be read: to be asked again after the
 * next reading
 */
export function takeOver(
  actual: ActualState,
  desired: DesiredState,
  ledger: NotedServers,
  isNodeAddress: (address: Address) => boolean,
): boolean {
  const { unknown, addresses, virtualServers } = actual;
  if (unknown.has(ADDRESSES_PART) || unknown.has(SERVERS_PART)) return false;
  for (const [key, server] of virtualServers) {
    if (addresses.has(server.address)) continue;
    const isOurs = desired.virtualServers.has(key) || isInOurSets(actual, server, isNodeAddress);
    if (isOurs) ledger.add(key);
  }
  const names = [...FRONTEND_SETS, ...Object.values(PORT_SETS)];
  return !FAMILIES.some((family) =>
    names.some((name) => unknown.has(setPart(setName(name, family)))),
  );
}

function isInOurSets(
  { ipsets }: ActualState,
  { address, port, protocol }: ServerIdentity,
  isNodeAddress: (address: Address) => boolean,
): boolean {
  const holds = (name: SetName, entry: string) =>
    ipsets.get(setName(name, familyOf(address)))?.entries.has(entry) ?? false;
  const isPortOfNode =
    protocol !== 'SCTP' && holds(PORT_SETS[protocol], String(port)) && isNodeAddress(address);
  if (isPortOfNode) return true;
  const entry = addressPortEntry(address, protocol, port);
  return FRONTEND_SETS.some((name) => holds(name, entry));
}
