/**
 * What a reading of everything must not be older than, so that no server that lags behind takes us
 * back in time: as a resource version, with the two that the API gives a meaning of their own.
 */
import type { Query } from './transport.ts';

/** Nothing of the kind has reached the store: whatever a server has in its cache will do. */
export const NOTHING_KNOWN = '0';
/** Something is known, but not of which version: the state of this moment, as etcd has it. */
export const MOST_RECENT = '';

/**
 * Of a list. From the server's cache wherever that is allowed; a limit would keep versions other
 * than `0` out of the cache of servers before 1.34, and caches that know no limit ignore it.
 */
export function listNotOlderThan(floor: string, pageSize: number): Query {
  const limit = String(pageSize);
  if (floor === MOST_RECENT) return { limit };
  if (floor === NOTHING_KNOWN) return { resourceVersion: NOTHING_KNOWN, limit };
  return { resourceVersion: floor, resourceVersionMatch: 'NotOlderThan' };
}

/** Of a watch with initial events; as in client-go the first is of this moment. */
export function watchNotOlderThan(floor: string): Query {
  return { resourceVersion: floor === NOTHING_KNOWN ? MOST_RECENT : floor };
}
