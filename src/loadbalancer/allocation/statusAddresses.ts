/** What the status of a Service holds, whoever wrote it. */
import type { BalancedService } from '../../model/balancedService.ts';
import type { Address } from '../../net/address.ts';
import { parseSloppyAddress } from '../../net/sloppy.ts';

/** Its valid addresses, canonical, in order, each once. */
export function addressesInStatus({ ingress }: BalancedService): readonly Address[] {
  const found = new Set<Address>();
  for (const { ip } of ingress) {
    const address = ip === undefined ? undefined : parseSloppyAddress(ip);
    if (address !== undefined) found.add(address);
  }
  return [...found];
}
