/** Which keys of the desired state may differ since it was last settled: the scope of an incremental difference. */
import type { Address } from '../net/address.ts';
import type { ServerKey } from './state.ts';

export interface Touched {
  readonly servers: ReadonlySet<ServerKey>;
  readonly addresses: ReadonlySet<Address>;
  /** set name → entries that came or went */
  readonly entries: ReadonlyMap<string, ReadonlySet<string>>;
}

export function isUntouched(touched: Touched): boolean {
  return touched.servers.size === 0 && touched.addresses.size === 0 && touched.entries.size === 0;
}
