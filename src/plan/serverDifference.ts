/**
 * Difference of one virtual server: what makes the kernel's match the desired one. Weights are
 * always compared, so a draining destination that is wanted again gets its weight back in place.
 * What may be removed at all is the caller's answer (`isRemovable`); when a drain ends is
 * drain.ts'.
 */
import type { Destination, VirtualServer } from '../dataplane/state.ts';
import type { Operation, ServerSpec } from '../dataplane/operations.ts';
import { NOTHING } from './slices.ts';

/**
 * @param isRemovable asked only for a server that is not desired
 * @returns the server before its destinations, new destinations before those that leave
 */
export function serverDifference(
  desired: VirtualServer | undefined,
  actual: VirtualServer | undefined,
  isRemovable: (server: VirtualServer) => boolean,
): readonly Operation[] {
  if (desired === undefined) {
    if (actual === undefined || !isRemovable(actual)) return NOTHING;
    return [{ op: 'removeServer', server: specOf(actual) }];
  }
  if (actual !== undefined && isSameServer(desired, actual)) return NOTHING;
  return whatDiffers(desired, actual);
}

/** Compares what the kernel stores. Nearly always, so that nothing is made for the answer. */
export function isSameServer(one: VirtualServer, other: VirtualServer): boolean {
  if (one.destinations.size !== other.destinations.size) return false;
  for (const [key, { weight }] of one.destinations) {
    if (other.destinations.get(key)?.weight !== weight) return false;
  }
  return isSameSpec(one, other);
}

function whatDiffers(desired: VirtualServer, actual: VirtualServer | undefined): Operation[] {
  const server = specOf(desired);
  const operations: Operation[] = [];
  if (actual === undefined) operations.push({ op: 'addServer', server });
  else if (!isSameSpec(desired, actual)) operations.push({ op: 'updateServer', server });
  for (const [key, destination] of desired.destinations) {
    const present = actual?.destinations.get(key);
    if (present === undefined) operations.push({ op: 'addDestination', server, destination });
    else if (present.weight !== destination.weight)
      operations.push({ op: 'updateDestination', server, destination });
  }
  for (const [key, destination] of actual?.destinations ?? []) {
    if (!desired.destinations.has(key)) operations.push(...retirement(server, destination));
  }
  return operations;
}

/**
 * Where somebody else's server stands: one operation, which fails until it is gone, so that it is
 * told and tried again.
 */
export function foreignDifference(desired: VirtualServer | undefined): Operation[] {
  return desired === undefined ? [] : [{ op: 'addServer', server: specOf(desired) }];
}

/** A destination that has weight 0 already is draining, and the drain book ends that. */
function retirement(server: ServerSpec, destination: Destination): Operation[] {
  if (!isDrained(server)) return [{ op: 'removeDestination', server, destination }];
  if (destination.weight === 0) return [];
  return [{ op: 'drainDestination', server, destination }];
}

/**
 * Whether a destination that leaves keeps its connections. UDP has none to wait for; `dh` goes on
 * choosing a destination of weight 0, so that new connections would be refused while others are
 * ready (it has no fallback flag as sh and mh have).
 */
export function isDrained({
  protocol,
  scheduler,
}: Pick<ServerSpec, 'protocol' | 'scheduler'>): boolean {
  return protocol !== 'UDP' && scheduler !== 'dh';
}

export function specOf(server: VirtualServer): ServerSpec {
  const { destinations: _, ...spec } = server;
  return spec;
}

/** Compares what the kernel stores; `service` is only our note. */
export function isSameSpec(desired: ServerSpec, actual: ServerSpec): boolean {
  return (
    desired.scheduler === actual.scheduler &&
    desired.persistenceTimeoutSec === actual.persistenceTimeoutSec &&
    desired.flags.length === actual.flags.length &&
    desired.flags.every((flag) => actual.flags.includes(flag))
  );
}
