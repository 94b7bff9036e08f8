/**
 * The whole rule set of a host, both tables and families. It depends on configuration and on what the iptables binary can
 * do, never on Services: iptables runs at start, when the configuration changes, and when the audit finds damage.
 */
import { FAMILIES, type Family } from '../net/family.ts';
import type { HostNetwork } from '../model/host.ts';
import { filterChains } from './filterRules.ts';
import { natChains } from './natRules.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { DesiredState } from '../dataplane/state.ts';

/** @returns both families; one that the host cannot program has empty tables */
export function desiredIptables(
  options: DataplaneOptions,
  host: Pick<HostNetwork, 'families' | 'hasRandomFully'>,
): DesiredState['iptables'] {
  const tables = (family: Family) => {
    if (!host.families.includes(family)) return { nat: new Map(), filter: new Map() };
    return {
      nat: natChains(family, options, host.hasRandomFully),
      filter: filterChains(family, options),
    };
  };
  const [ipv4, ipv6] = FAMILIES.map(tables) as [
    ReturnType<typeof tables>,
    ReturnType<typeof tables>,
  ];
  return { IPv4: ipv4, IPv6: ipv6 };
}
