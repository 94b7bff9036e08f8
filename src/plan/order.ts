/**
 * The sequence of a plan. Adding: sysctls and sets, rules, then for each address everything before
 * the address that attracts traffic; the API server's own Service and cluster DNS complete before
 * all others. Removing: the reverse. Operations of one kind stay together, because the kernel layer
 * sends such runs in few system calls.
 */
import type { Address } from '../net/address.ts';
import type { Operation } from '../dataplane/operations.ts';

/** Says whether a Service's ports (`ns/name:port`) go first. */
export type CriticalService = (service: string) => boolean;

/** `default/kubernetes`, and cluster DNS under the name that every installer gives it. */
export const isCriticalService: CriticalService = (service) =>
  /^(?:default\/kubernetes|kube-system\/kube-dns)(?::|$)/.test(service);

/** The phases, first to last. */
const PHASES = [
  'host',
  'sets',
  'rules',
  'criticalEntries',
  'criticalServers',
  'criticalAddresses',
  'entries',
  'servers',
  'addresses',
  'removedAddresses',
  'removedServers',
  'removedEntries',
  'removedRules',
  'removedSets',
] as const;

type Phase = (typeof PHASES)[number];

/** Stable: within a phase the given order is kept, so a server stays before its destinations. */
export function orderPlan(
  operations: readonly Operation[],
  isCritical: CriticalService = isCriticalService,
): Operation[] {
  const critical = criticalAddresses(operations, isCritical);
  const byPhase = new Map<Phase, Operation[]>(PHASES.map((phase) => [phase, []]));
  for (const operation of operations) byPhase.get(phaseOf(operation, critical))!.push(operation);
  return [...byPhase.values()].flat();
}

interface CriticalAddresses {
  /** of virtual servers */
  readonly servers: ReadonlySet<Address>;
  /** of destinations too: the hairpin set's entries begin with these */
  readonly all: ReadonlySet<Address>;
}

/**
 * Whole addresses, not single ports: when one port of an address goes first, so must the entries of
 * all its ports, or the address would be bound before some of them.
 */
function criticalAddresses(
  operations: readonly Operation[],
  isCritical: CriticalService,
): CriticalAddresses {
  const servers = new Set<Address>();
  const all = new Set<Address>();
  for (const operation of operations) {
    if (!('server' in operation) || operation.server.service === undefined) continue;
    if (!isCritical(operation.server.service)) continue;
    servers.add(operation.server.address);
    all.add(operation.server.address);
    if ('destination' in operation) all.add(operation.destination.address);
  }
  return { servers, all };
}

function phaseOf(operation: Operation, critical: CriticalAddresses): Phase {
  switch (operation.op) {
    case 'addEntry':
      return critical.all.has(firstOf(operation.entry)) ? 'criticalEntries' : 'entries';
    case 'addServer':
    case 'updateServer':
    case 'addDestination':
    case 'updateDestination':
      return critical.servers.has(operation.server.address) ? 'criticalServers' : 'servers';
    case 'bindAddress':
      return critical.servers.has(operation.address) ? 'criticalAddresses' : 'addresses';
    default:
      return PHASE[operation.op];
  }
}

type UndividedOp = Exclude<
  Operation['op'],
  'addEntry' | 'addServer' | 'updateServer' | 'addDestination' | 'updateDestination' | 'bindAddress'
>;

const PHASE: Readonly<Record<UndividedOp, Phase>> = {
  setSysctl: 'host',
  createDummyDevice: 'host',
  createSet: 'sets',
  replaceSet: 'sets',
  writeRules: 'rules',
  unbindAddress: 'removedAddresses',
  drainDestination: 'removedServers',
  removeDestination: 'removedServers',
  removeServer: 'removedServers',
  removeEntry: 'removedEntries',
  removeRules: 'removedRules',
  removeSet: 'removedSets',
};

/** Address part of a set entry: `10.96.0.1,tcp:443` → `10.96.0.1`. */
function firstOf(entry: string): string {
  const comma = entry.indexOf(',');
  return comma < 0 ? entry : entry.slice(0, comma);
}
