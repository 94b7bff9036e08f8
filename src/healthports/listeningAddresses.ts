/** Where health-check node ports are listened on: the addresses of `nodePortAddresses`. */
import type { DataplaneOptions } from '../dataplane/options.ts';
import { type ByFamily, chosenAddresses, isEveryAddressChosen } from '../desired/nodeAddresses.ts';
import type { HostNetwork } from '../model/host.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';

const ANY: ByFamily<Address> = { IPv4: '0.0.0.0', IPv6: '::' };

/**
 * Loopback addresses too where they are named, which as a NodePort's are not served.
 *
 * @param own addresses of this Node object, internal first
 * @returns one unspecified address where nothing of the family is left out
 */
export function listeningAddresses(
  choices: DataplaneOptions['nodePortAddresses'],
  host: HostNetwork,
  own: readonly Address[],
): ByFamily<readonly Address[]> {
  const of = (family: Family): readonly Address[] => {
    if (!host.families.includes(family)) return [];
    if (isEveryAddressChosen(choices, family)) return [ANY[family]];
    return chosenAddresses(choices, family, host, own);
  };
  return { IPv4: of('IPv4'), IPv6: of('IPv6') };
}
