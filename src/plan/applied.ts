/**
 * What a state becomes when an operation succeeds. The agent keeps its view of the kernel current
 * with it instead of reading again, and the fake kernel of the tests is made of it. It never fails:
 * whether an operation can succeed is the kernel's say.
 */
import type {
  ActualState,
  Destination,
  DestinationKey,
  IpSet,
  ServerKey,
  VirtualServer,
} from '../dataplane/state.ts';
import { type Chains, mapTables, type Tables } from '../dataplane/tables.ts';
import { destinationKey, serverKey } from '../dataplane/state.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { ApplyReport, Operation, SetSpec } from '../dataplane/operations.ts';
import { isBuiltInChain, repairedJumps, targetOf } from './ruleDifference.ts';

interface MutableServer extends VirtualServer {
  readonly destinations: Map<DestinationKey, Destination>;
}

interface MutableSet extends IpSet {
  readonly entries: Set<string>;
}

export type MutableChains = Map<string, readonly string[]>;
/** A table comes to be when it is first written. */
type MutableTables = { -readonly [table in keyof Tables]: Tables<MutableChains>[table] };

/** An ActualState that {@link applyOperation} may change. */
export interface MutableState extends ActualState {
  readonly virtualServers: Map<ServerKey, MutableServer>;
  readonly addresses: Set<Address>;
  readonly ipsets: Map<string, MutableSet>;
  readonly iptables: Readonly<Record<Family, MutableTables>>;
  readonly sysctls: Map<string, string>;
  hasDummyDevice: boolean;
}

/** A copy that shares nothing that can change. */
export function mutableState(state: ActualState): MutableState {
  return takenOver({
    ...state,
    virtualServers: copyOf(state.virtualServers, (server) => ({
      ...server,
      destinations: new Map(server.destinations),
    })),
    addresses: new Set(state.addresses),
    ipsets: copyOf(state.ipsets, (set) => ({ ...set, entries: new Set(set.entries) })),
    sysctls: new Map(state.sysctls),
  });
}

/**
 * A reading that nobody else holds, but for what is as in the view before it: to copy that of
 * 10,000 servers would stop the process for as long as comparing it, at each audit, and take its
 * memory twice. Only its few chains may be what was written (kernel/ruleMemory.ts).
 */
export function takenOver(reading: ActualState): MutableState {
  const tables = (family: Family): MutableTables =>
    mapTables(reading.iptables[family], (chains) => new Map(chains));
  // The type cannot say it (Dataplane.read).
  const large = reading as unknown as MutableState;
  const { virtualServers, addresses, ipsets, sysctls } = large;
  return {
    ...reading,
    virtualServers,
    addresses,
    ipsets,
    sysctls,
    iptables: { IPv4: tables('IPv4'), IPv6: tables('IPv6') },
  };
}

/**
 * Everything that a report says was done, and of drained destinations only those that still carry
 * connections are left.
 */
export function applyReport(state: MutableState, report: ApplyReport): void {
  const stillDraining = new Set(
    report.draining.map((left) => `${left.server} ${destinationKey(left.destination)}`),
  );
  for (const operation of report.done) {
    applyOperation(state, operation);
    if (operation.op !== 'drainDestination') continue;
    const server = serverKey(operation.server);
    const destination = destinationKey(operation.destination);
    if (!stillDraining.has(`${server} ${destination}`))
      state.virtualServers.get(server)?.destinations.delete(destination);
  }
}

/**
 * `drainDestination` leaves the destination at weight 0: only a report tells whether it was removed
 * at once.
 */
export function applyOperation(state: MutableState, operation: Operation): void {
  switch (operation.op) {
    case 'setSysctl':
      state.sysctls.set(operation.name, operation.value);
      break;
    case 'createDummyDevice':
      state.hasDummyDevice = true;
      break;
    case 'bindAddress':
      state.addresses.add(operation.address);
      break;
    case 'unbindAddress':
      state.addresses.delete(operation.address);
      break;
    case 'writeRules':
      writeChains(
        (state.iptables[operation.family][operation.table] ??= new Map()),
        operation.chains,
      );
      break;
    case 'removeRules':
      removeChains(state.iptables[operation.family][operation.table], new Set(operation.chains));
      break;
    case 'removeSet':
      state.ipsets.delete(operation.set.name);
      break;
    case 'createSet':
      if (!state.ipsets.has(operation.set.name)) putSet(state, operation.set, []);
      break;
    case 'replaceSet':
      putSet(state, operation.set, operation.entries);
      break;
    case 'addEntry':
      state.ipsets.get(operation.set.name)?.entries.add(operation.entry);
      break;
    case 'removeEntry':
      state.ipsets.get(operation.set.name)?.entries.delete(operation.entry);
      break;
    default:
      applyToServer(state.virtualServers, operation);
  }
}

type ServerOperation = Extract<Operation, { readonly server: unknown }>;

function applyToServer(servers: Map<ServerKey, MutableServer>, operation: ServerOperation): void {
  const key = serverKey(operation.server);
  const destinations = servers.get(key)?.destinations ?? new Map<DestinationKey, Destination>();
  switch (operation.op) {
    case 'addServer':
    case 'updateServer':
      servers.set(key, { ...operation.server, destinations });
      break;
    case 'removeServer':
      servers.delete(key);
      break;
    case 'addDestination':
    case 'updateDestination':
      destinations.set(destinationKey(operation.destination), operation.destination);
      break;
    case 'drainDestination':
      destinations.set(destinationKey(operation.destination), {
        ...operation.destination,
        weight: 0,
      });
      break;
    case 'removeDestination':
      destinations.delete(destinationKey(operation.destination));
      break;
  }
}

function putSet(state: MutableState, set: SetSpec, entries: readonly string[]): void {
  state.ipsets.set(set.name, { ...set, entries: new Set(entries) });
}

function writeChains(table: MutableChains, chains: Chains): void {
  for (const [chain, rules] of chains) {
    table.set(chain, isBuiltInChain(chain) ? repairedJumps(rules, table.get(chain)) : rules);
  }
}

function removeChains(table: MutableChains | undefined, gone: ReadonlySet<string>): void {
  for (const [chain, rules] of table ?? []) {
    const left = isBuiltInChain(chain)
      ? rules.filter((rule) => !gone.has(targetOf(rule) ?? ''))
      : rules;
    if (gone.has(chain) || left.length === 0) table!.delete(chain);
    else table!.set(chain, left);
  }
}

function copyOf<K, V, W>(map: ReadonlyMap<K, V>, copy: (value: V) => W): Map<K, W> {
  return new Map([...map].map(([key, value]) => [key, copy(value)]));
}
