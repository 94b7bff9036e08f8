/**
 * Plans and states as text and as JSON. Decides the forms and their order and nothing else; reading
 * a state back is stateFromJson.ts'.
 */
import { type Chains, mapTables, type Tables } from '../dataplane/tables.ts';
import type { DataplaneState, Destination, IpSet, VirtualServer } from '../dataplane/state.ts';
import { destinationKey, serverKey } from '../dataplane/state.ts';
import { compareAddresses, familyOf } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { hostPrefix } from '../net/prefix.ts';
import type { Operation, ServerSpec } from '../dataplane/operations.ts';

export interface DestinationJson {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly endpoint?: string;
  readonly node?: string;
}

export interface ServerSpecJson {
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
  readonly family: Family;
  readonly scheduler: string;
  readonly flags: readonly string[];
  readonly persistenceTimeoutSec?: number;
  readonly service?: string;
}

export interface ServerJson extends ServerSpecJson {
  readonly destinations: readonly DestinationJson[];
}

export interface SetJson {
  readonly type: string;
  readonly family: Family;
  readonly entries: readonly string[];
}

/** `raw` and `mangle` are there only where they are used. */
export type TablesJson = Tables<Readonly<Record<string, readonly string[]>>>;

/** `desired` of `kube-ipvs plan -o json`. */
export interface StateJson {
  readonly virtualServers: readonly ServerJson[];
  readonly addresses: readonly string[];
  readonly ipsets: Readonly<Record<string, SetJson>>;
  readonly iptables: { readonly ipv4: TablesJson; readonly ipv6: TablesJson };
  readonly sysctls: Readonly<Record<string, string>>;
}

/**
 * Everything in a stable order: servers and addresses by value, IPv4 first; names and entries by
 * character.
 */
export function stateToJson(state: DataplaneState): StateJson {
  return {
    virtualServers: [...state.virtualServers.values()].toSorted(compareServers).map(serverToJson),
    addresses: [...state.addresses].toSorted(compareAddresses).map(hostPrefix),
    ipsets: record(sortedByKey(state.ipsets), setToJson),
    iptables: { ipv4: tablesToJson(state, 'IPv4'), ipv6: tablesToJson(state, 'IPv6') },
    sysctls: record(sortedByKey(state.sysctls), (value) => value),
  };
}

function serverToJson(server: VirtualServer): ServerJson {
  const destinations = [...server.destinations.values()].toSorted(compareDestinations);
  return { ...specToJson(server), destinations: destinations.map(destinationToJson) };
}

/** Field by field, so that the order of the keys does not depend on who made the value. */
function specToJson(server: ServerSpec): ServerSpecJson {
  const { address, port, protocol, scheduler, flags, persistenceTimeoutSec, service } = server;
  return {
    address,
    port,
    protocol,
    family: familyOf(address),
    scheduler,
    flags,
    ...(persistenceTimeoutSec === undefined ? {} : { persistenceTimeoutSec }),
    ...(service === undefined ? {} : { service }),
  };
}

function destinationToJson({
  address,
  port,
  weight,
  endpoint,
  node,
}: Destination): DestinationJson {
  return {
    address,
    port,
    weight,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(node === undefined ? {} : { node }),
  };
}

function setToJson({ type, family, entries }: IpSet): SetJson {
  return { type, family, entries: [...entries].toSorted() };
}

function tablesToJson(state: DataplaneState, family: Family): TablesJson {
  return mapTables(state.iptables[family], chainsToJson);
}

function chainsToJson(chains: Chains): Readonly<Record<string, readonly string[]>> {
  return record(chains, (rules) => rules);
}

/**
 * One object an operation: `op`, then what it is done to, keys in the forms of {@link stateToJson}.
 */
export function planToJson(operations: readonly Operation[]): readonly Record<string, unknown>[] {
  return operations.map(operationToJson);
}

function operationToJson(operation: Operation): Record<string, unknown> {
  const { op } = operation;
  switch (op) {
    case 'setSysctl':
      return { op, name: operation.name, value: operation.value };
    case 'createSet':
    case 'removeSet':
      return { op, ...operation.set };
    case 'replaceSet':
      return { op, ...operation.set, entries: [...operation.entries].toSorted() };
    case 'addEntry':
    case 'removeEntry':
      return { op, set: operation.set.name, entry: operation.entry };
    case 'writeRules': {
      const { family, table, chains } = operation;
      return { op, family, table, chains: chainsToJson(chains) };
    }
    case 'removeRules': {
      const { family, table, chains } = operation;
      return { op, family, table, chains };
    }
    case 'createDummyDevice':
      return { op };
    case 'bindAddress':
    case 'unbindAddress':
      return { op, address: hostPrefix(operation.address) };
    case 'addServer':
    case 'updateServer':
    case 'removeServer':
      return { op, server: specToJson(operation.server) };
    default: {
      const destination = destinationToJson(operation.destination);
      return { op, server: serverKey(operation.server), destination };
    }
  }
}

const GROUPS: readonly (readonly [title: string, ops: readonly Operation['op'][]])[] = [
  ['sysctls', ['setSysctl']],
  ['device', ['createDummyDevice']],
  ['sets', ['createSet', 'replaceSet', 'addEntry', 'removeEntry', 'removeSet']],
  ['rules', ['writeRules', 'removeRules']],
  [
    'virtual servers',
    [
      'addServer',
      'updateServer',
      'removeServer',
      'addDestination',
      'updateDestination',
      'drainDestination',
      'removeDestination',
    ],
  ],
  ['addresses', ['bindAddress', 'unbindAddress']],
];

/**
 * For people: grouped by what is changed, one line an operation, in the plan's order within a
 * group; empty without any.
 */
export function formatPlan(operations: readonly Operation[]): string {
  return grouped(operations)
    .map(([title, ops]) => `${title} (${ops.length})\n  ${ops.map(formatOperation).join('\n  ')}\n`)
    .join('');
}

/** `56 operations: sets (46), rules (4), virtual servers (6)`. */
export function planSummary(operations: readonly Operation[]): string {
  const total = count(operations.length, 'operation');
  if (operations.length === 0) return total;
  const parts = grouped(operations).map(([title, ops]) => `${title} (${ops.length})`);
  return `${total}: ${parts.join(', ')}`;
}

function grouped(operations: readonly Operation[]): (readonly [string, readonly Operation[]])[] {
  return GROUPS.map(([title, names]) => {
    return [title, operations.filter(({ op }) => names.includes(op))] as const;
  }).filter(([, ops]) => ops.length > 0);
}

/** `+` comes, `~` changes, `-` goes, `>` drains. */
export function formatOperation(operation: Operation): string {
  switch (operation.op) {
    case 'setSysctl':
      return `~ ${operation.name} = ${operation.value}`;
    case 'createDummyDevice':
      return '+ kube-ipvs0';
    case 'createSet':
      return `+ ${operation.set.name} ${operation.set.type} ${operation.set.family}`;
    case 'replaceSet': {
      const { name, type, family } = operation.set;
      return `~ ${name} ${type} ${family}, ${count(operation.entries.length, 'entry', 'entries')}`;
    }
    case 'addEntry':
      return `+ ${operation.set.name} ${operation.entry}`;
    case 'removeEntry':
      return `- ${operation.set.name} ${operation.entry}`;
    case 'writeRules':
      return `~ ${operation.family} ${operation.table}: ${[...operation.chains.keys()].join(' ')}`;
    case 'removeRules':
      return `- ${operation.family} ${operation.table}: ${operation.chains.join(' ')}`;
    case 'removeSet':
      return `- ${operation.set.name} ${operation.set.type} ${operation.set.family}`;
    case 'bindAddress':
      return `+ ${operation.address}`;
    case 'unbindAddress':
      return `- ${operation.address}`;
    case 'addServer':
    case 'updateServer':
      return `${operation.op === 'addServer' ? '+' : '~'} ${formatServer(operation.server)}`;
    case 'removeServer':
      return `- ${serverKey(operation.server)}${formatService(operation.server)}`;
    case 'addDestination':
      return `+ ${formatDestination(operation.server, operation.destination)}`;
    case 'updateDestination':
      return `~ ${formatDestination(operation.server, operation.destination)}`;
    case 'drainDestination':
      return `> ${serverKey(operation.server)} -> ${destinationKey(operation.destination)}`;
    default:
      return `- ${serverKey(operation.server)} -> ${destinationKey(operation.destination)}`;
  }
}

function formatServer(server: ServerSpec): string {
  const timeout = server.persistenceTimeoutSec;
  const words = [
    server.scheduler,
    ...server.flags,
    ...(timeout === undefined ? [] : [`${timeout}s`]),
  ];
  return `${serverKey(server)} ${words.join(' ')}${formatService(server)}`;
}

function formatService(server: ServerSpec): string {
  return server.service === undefined ? '' : ` (${server.service})`;
}

function formatDestination(server: ServerSpec, destination: Destination): string {
  return `${serverKey(server)} -> ${destinationKey(destination)} weight ${destination.weight}`;
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

function compareServers(a: VirtualServer, b: VirtualServer): number {
  return (
    compareAddresses(a.address, b.address) || a.port - b.port || compareText(a.protocol, b.protocol)
  );
}

function compareDestinations(a: Destination, b: Destination): number {
  return compareAddresses(a.address, b.address) || a.port - b.port;
}

/** By UTF-16 code unit: the same on every machine, whatever its locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function sortedByKey<V>(map: ReadonlyMap<string, V>): (readonly [string, V])[] {
  return [...map].toSorted(([a], [b]) => compareText(a, b));
}

function record<V, W>(
  entries: Iterable<readonly [string, V]>,
  form: (value: V) => W,
): Readonly<Record<string, W>> {
  return Object.fromEntries([...entries].map(([key, value]) => [key, form(value)]));
}
