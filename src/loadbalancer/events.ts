/** What is told about a decision, as Events of its Service. */
import type { Address } from '../net/address.ts';
import type { ExcludedNode } from './announcer/report.ts';
import type { NobodyCause } from './election.ts';
import type { Decision } from './allocation/decision.ts';
import { addressesInStatus } from './allocation/readLists.ts';
import { namingText, ourCondition } from './condition.ts';

export const ALLOCATION_ACTION = 'AllocateAddress';
export const ANNOUNCEMENT_ACTION = 'AnnounceAddress';

export interface AllocationEvent {
  /** `ns/name` */
  readonly service: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
}

/**
 * Normal ones first. That a status is somebody else's is told each time: nothing is written then
 * that would say that it has been told, so who runs for long remembers it.
 *
 * @param isWritten whether the decision changes the object
 */
export function eventsOf(decision: Decision, isWritten: boolean): readonly AllocationEvent[] {
  const { service, warning, cause, message } = decision;
  const event = eventsAbout(`${service.namespace}/${service.name}`);
  if (warning === 'AddressNotOurs') return [event('Warning', warning, message)];
  if (!isWritten) return [];
  const normal = normalOf(decision);
  const events = normal === undefined ? [] : [event('Normal', ...normal)];
  if (warning === undefined || isTold(decision)) return events;
  return [...events, event('Warning', warning, `${cause}: ${message}`)];
}

/**
 * Another machine answers for an address that the Service has: it keeps it.
 *
 * @param seen where it was seen, as far as that is known
 */
export function conflictEvent(
  service: string,
  address: Address,
  mac: string,
  seen?: { readonly interfaceName: string; readonly node: string },
): AllocationEvent {
  const where = seen === undefined ? '' : ` at ${seen.interfaceName} of ${seen.node}`;
  const note = `${address} is answered for by ${mac} too${where}: give one of the two another address`;
  return eventsAbout(service)('Warning', 'AddressConflict', note);
}

/** From the node that begins to announce it. */
export function announcingEvent(
  service: string,
  address: Address,
  node: string,
  interfaces: readonly string[],
): AllocationEvent {
  const note = `${address} is announced by ${node} on ${interfaces.join(', ')}`;
  return eventsAbout(service)('Normal', 'Announcing', note);
}

/** It has the address, and no node announces it. */
export function notAnnouncedEvent(
  service: string,
  address: Address,
  cause: NobodyCause,
  excluded: readonly ExcludedNode[],
): AllocationEvent {
  const named = excluded.slice(0, MAX_NAMED).map(({ node, reason }) => `${node} ${reason}`);
  const rest = excluded.length - named.length;
  const nodes = rest > 0 ? [...named, `and ${rest} more`] : named;
  const why = cause === 'NoCandidates' && nodes.length > 0 ? nodes.join(', ') : WHY_NOBODY[cause];
  const note = `${address} is announced by nobody (${cause}): ${why}`;
  return eventsAbout(service)('Warning', 'NotAnnounced', note);
}

/** Of nodes, in one note. */
const MAX_NAMED = 20;

const WHY_NOBODY: Readonly<Record<NobodyCause, string>> = {
  NoCandidates: 'no Node may',
  NoEndpoints: 'no Service that has it has a usable endpoint',
  NotAnnounced: 'no entry in announce of its pool is for a Service that has it',
};

function eventsAbout(service: string) {
  return (type: AllocationEvent['type'], reason: string, note: string): AllocationEvent => ({
    service,
    type,
    reason,
    note,
  });
}

function normalOf(decision: Decision): readonly [reason: string, note: string] | undefined {
  const { service, addresses, losses, message, state } = decision;
  const had = new Set(addressesInStatus(service));
  const came = addresses.filter(({ address }) => !had.has(address));
  const went = losses.map(({ address, why }) => `${address} (${why})`).join(', ');
  if (came.length > 0 && went !== '') return ['AddressChanged', `${went} to ${namingText(came)}`];
  if (went !== '') return ['AddressReleased', went];
  if (came.length > 0) return ['AddressAssigned', state === 'Partial' ? message : namingText(came)];
  const isNewlyGood = (state === 'Assigned' || state === 'Partial') && !isTold(decision);
  return isNewlyGood ? ['AddressAssigned', message] : undefined;
}

/** The condition says so already, and what is written is another thing. */
function isTold({ service, state, cause, addresses }: Decision): boolean {
  const reason = addresses.length > 0 ? state : cause;
  return ourCondition(service.conditions)?.reason === reason;
}
