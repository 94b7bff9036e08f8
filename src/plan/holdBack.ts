/**
 * Which operations would attract traffic before the node can treat it as it must: an address that
 * is bound, a virtual server on an address that is local anyway. Rules, sets or entries that
 * failed, or that nobody could read yet, hold back what is new; what is served already stays, for
 * taking it away would harm more than leaving it.
 */
import type { ActualState, DesiredState, ServerKey } from '../dataplane/state.ts';
import { serverKey } from '../dataplane/state.ts';
import { type Address, familyOf } from '../net/address.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import type { Operation } from '../dataplane/operations.ts';
import { operationSubject } from '../dataplane/operations.ts';

/** Not the kernel's refusal but ours: it follows another failure. */
export class HeldBackError extends Error {
  override readonly name = 'HeldBackError';
}

/** @returns why an operation must wait; undefined lets it through */
export type Gate = (operation: Operation) => HeldBackError | undefined;

/**
 * Operations on virtual servers and addresses. {@link gate} may hold back some of them; all others
 * never, and may be what those wait for.
 */
export function isGated(operation: Operation): boolean {
  return 'server' in operation || 'address' in operation;
}

export interface Troubles {
  /** that failed and have not succeeded since */
  readonly failed: readonly Operation[];
  readonly unknown: ActualState['unknown'];
}

/** @param desired tells the addresses that are local only by being bound */
export function gate(troubles: Troubles, desired: Pick<DesiredState, 'addresses'>): Gate {
  const ofFamily = new Map(FAMILIES.map((family) => [family, troubleOf(family, troubles)]));
  const ofAddress = entryTroubles(troubles.failed);
  const heldServers = new Set<ServerKey>();
  return (operation) => {
    const trouble = troubleBehind(operation);
    return trouble === undefined
      ? undefined
      : new HeldBackError(`held back until this is mended: ${trouble}`);
  };

  function troubleBehind(operation: Operation): string | undefined {
    if (operation.op === 'bindAddress')
      return ofFamily.get(familyOf(operation.address)) ?? ofAddress.get(operation.address);
    if (operation.op !== 'addServer' && operation.op !== 'addDestination') return undefined;
    const { server } = operation;
    const trouble = ofFamily.get(familyOf(server.address));
    if (operation.op === 'addDestination')
      return heldServers.has(serverKey(server)) ? trouble : undefined;
    if (trouble === undefined || desired.addresses.has(server.address)) return undefined;
    heldServers.add(serverKey(server));
    return trouble;
  }
}

/**
 * What concerns all of a family: its rules masquerade, admit and refuse, and need all its sets;
 * servers may be missing.
 */
function troubleOf(family: Family, { failed, unknown }: Troubles): string | undefined {
  const isOfFamily = (operation: Operation) =>
    (operation.op === 'writeRules' && operation.family === family) ||
    (operation.op === 'createSet' && operation.set.family === family);
  const operation = failed.find(isOfFamily);
  if (operation !== undefined) return `${operationSubject(operation)}: ${operation.op} failed`;
  const part = [...unknown.keys()].find(
    ({ kind, families }) => kind !== 'addresses' && families.includes(family),
  );
  return part === undefined ? undefined : `${part.text} cannot be read`;
}

/** By the address that an entry is about: `10.96.0.1,tcp:80`. */
function entryTroubles(failed: readonly Operation[]): ReadonlyMap<Address, string> {
  const troubles = new Map<Address, string>();
  for (const operation of failed) {
    if (operation.op !== 'addEntry') continue;
    const [address = ''] = operation.entry.split(',');
    troubles.set(address, `${operationSubject(operation)}: ${operation.op} failed`);
  }
  return troubles;
}
