/**
 * Which keys of the desired state may differ since it was last settled: the scope of an incremental
 * difference.
 */
import type { Address } from '../net/address.ts';
import type { ServerKey } from './state.ts';

export interface Touched {
  readonly servers: ReadonlySet<ServerKey>;
  readonly addresses: ReadonlySet<Address>;
  /** set name → entries that came or went */
  readonly entries: ReadonlyMap<string, ReadonlySet<string>>;
  /** rules or sysctls, all of which are compared then */
  readonly hasNewRules?: boolean;
}

export function isUntouched(touched: Touched): boolean {
  const { servers, addresses, entries, hasNewRules = false } = touched;
  return servers.size === 0 && addresses.size === 0 && entries.size === 0 && !hasNewRules;
}
