/**
 * Every destination that the slices of a Service name, usable or not: what drains and is still
 * among them may take its time.
 */
import type { EndpointSliceResource } from '../model/resources.ts';
import { usableAddress } from '../model/usableAddress.ts';
import { joinHostPort } from '../net/address.ts';
import type { Family, Protocol } from '../net/family.ts';
import type { DestinationKey } from '../dataplane/state.ts';

export function listedDestinations(
  slices: Iterable<EndpointSliceResource>,
  family: Family,
  protocol: Protocol,
): ReadonlySet<DestinationKey> {
  const listed = new Set<DestinationKey>();
  for (const { addressType, ports, endpoints } of slices) {
    if (addressType !== family) continue;
    const numbers = ports.filter((port) => port.protocol === protocol).map(({ port }) => port);
    for (const { address } of endpoints) {
      const result = usableAddress(address);
      if (!('address' in result)) continue;
      for (const number of numbers) listed.add(joinHostPort(result.address, number));
    }
  }
  return listed;
}
