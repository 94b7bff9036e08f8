/** What the status of a Service holds, whoever wrote it. */
import type { BalancedService } from '../../model/balancedService.ts';
import type { Address } from '../../net/address.ts';
import { parseSloppyAddress } from '../../net/sloppy.ts';

/** Objects do not change, and most are the same ones at the next allocation. */
const known = new WeakMap<BalancedService['ingress'], readonly Address[]>();
const NONE: readonly Address[] = [];

/** Its valid addresses, canonical, in order, each once. */
export function addressesInStatus({ ingress }: BalancedService): readonly Address[] {
  if (ingress.length === 0) return NONE;
  const before = known.get(ingress);
  if (before !== undefined) return before;
  const addresses = readAddresses(ingress);
  known.set(ingress, addresses);
  return addresses;
}

function readAddresses(ingress: BalancedService['ingress']): readonly Address[] {
  const found = new Set<Address>();
  for (const { ip } of ingress) {
    const address = ip === undefined ? undefined : parseSloppyAddress(ip);
    if (address !== undefined) found.add(address);
  }
  return [...found];
}
