/**
 * What somebody else has changed behind our back, by kind: an operation of a comparison is drift
 * when the kernel was known to be as it wants and is not any more. What merely follows (the
 * destinations of a server that was taken away) is not counted beside its cause.
 */
import type { DriftKind } from '../dataplane/driftKinds.ts';
import type { Operation, SetSpec } from '../dataplane/operations.ts';
import {
  ADDRESSES_PART,
  type Part,
  rulesPart,
  SERVERS_PART,
  setPart,
  sysctlPart,
} from '../dataplane/part.ts';
import {
  type ActualState,
  destinationKey,
  type IpSet,
  serverKey,
  type VirtualServer,
} from '../dataplane/state.ts';
import { hasDesiredRules, isBuiltInChain, isPresent } from './ruleDifference.ts';
import { isSameSpec } from './serverDifference.ts';

const NONE: readonly DriftKind[] = [];

/**
 * @param before as known before the reading that the operation follows from
 * @param now as read
 * @returns one for each thing that was right, several for rules
 */
export function driftOf(
  operation: Operation,
  before: ActualState,
  now: ActualState,
): readonly DriftKind[] {
  if (before.unknown.has(partOf(operation))) return NONE;
  if (operation.op === 'writeRules') return rulesDrift(operation, before, now);
  const kind = kindOf(operation, now);
  return kind !== undefined && wasRight(operation, before) ? [kind] : NONE;
}

/** What an operation puts right, told by what it does alone. */
export function kindOf(operation: Operation, now: ActualState): DriftKind | undefined {
  switch (operation.op) {
    case 'setSysctl':
      return 'sysctl';
    case 'createDummyDevice':
      return 'device';
    case 'bindAddress':
    case 'unbindAddress':
      return 'address';
    case 'createSet':
    case 'replaceSet':
    case 'removeSet':
      return 'set';
    case 'addEntry':
    case 'removeEntry':
      return 'entry';
    case 'removeRules':
      return 'chain';
    case 'writeRules':
      return undefined;
    case 'addServer':
    case 'removeServer':
      return 'server';
    case 'updateServer':
      return now.virtualServers.get(serverKey(operation.server))?.scheduler ===
        operation.server.scheduler
        ? 'server'
        : 'scheduler';
    case 'updateDestination':
      return 'weight';
    default:
      return 'destination';
  }
}

function wasRight(operation: Operation, before: ActualState): boolean {
  switch (operation.op) {
    case 'setSysctl':
      return before.sysctls.get(operation.name) === operation.value;
    case 'createDummyDevice':
      return before.hasDummyDevice;
    case 'bindAddress':
    case 'unbindAddress':
      return before.addresses.has(operation.address) === (operation.op === 'bindAddress');
    case 'createSet':
    case 'replaceSet':
      return isAsSpecified(before.ipsets.get(operation.set.name), operation.set);
    case 'removeSet':
      return !before.ipsets.has(operation.set.name);
    case 'addEntry':
    case 'removeEntry': {
      const set = before.ipsets.get(operation.set.name);
      return set?.entries.has(operation.entry) === (operation.op === 'addEntry');
    }
    case 'writeRules':
      return false;
    case 'removeRules': {
      const table = before.iptables[operation.family][operation.table] ?? new Map();
      return operation.chains.every((chain) => !isPresent(chain, table));
    }
    default:
      return wasServerRight(operation, before.virtualServers.get(serverKey(operation.server)));
  }
}

type ServerOperation = Extract<Operation, { readonly server: unknown }>;

function wasServerRight(operation: ServerOperation, before: VirtualServer | undefined): boolean {
  switch (operation.op) {
    case 'addServer':
      return before !== undefined;
    case 'updateServer':
      return before !== undefined && isSameSpec(operation.server, before);
    case 'removeServer':
      return before === undefined;
    default: {
      const known = before?.destinations.get(destinationKey(operation.destination));
      if (operation.op === 'addDestination') return known !== undefined;
      if (operation.op === 'updateDestination')
        return known?.weight === operation.destination.weight;
      if (operation.op === 'removeDestination') return before !== undefined && known === undefined;
      // One that was draining has been given weight again.
      return before !== undefined && (known === undefined || known.weight === 0);
    }
  }
}

function isAsSpecified(set: IpSet | undefined, spec: SetSpec): boolean {
  return (
    set?.type === spec.type &&
    set.family === spec.family &&
    (set.maxElements ?? Infinity) >= (spec.maxElements ?? 0)
  );
}

/** One for each chain of ours and each built-in chain with jumps that were right. */
function rulesDrift(
  { family, table, chains }: Extract<Operation, { readonly op: 'writeRules' }>,
  before: ActualState,
  now: ActualState,
): readonly DriftKind[] {
  const known = before.iptables[family][table] ?? new Map<string, readonly string[]>();
  const read = now.iptables[family][table] ?? new Map<string, readonly string[]>();
  return [...chains].flatMap(([chain, rules]) => {
    const only = new Map([[chain, rules]]);
    const isDrift = hasDesiredRules(only, known) && !hasDesiredRules(only, read);
    return isDrift ? [isBuiltInChain(chain) ? 'jump' : 'chain'] : [];
  });
}

function partOf(operation: Operation): Part {
  switch (operation.op) {
    case 'setSysctl':
      return sysctlPart(operation.name);
    case 'createDummyDevice':
    case 'bindAddress':
    case 'unbindAddress':
      return ADDRESSES_PART;
    case 'writeRules':
    case 'removeRules':
      return rulesPart(operation.family, operation.table);
    default:
      return 'set' in operation ? setPart(operation.set.name) : SERVERS_PART;
  }
}
