/**
 * What is read from the kernel before the cluster is known: sets, chains and sysctls by name, of
 * both families, so that a family that comes to this node later is read like the other from then
 * on.
 */
import { buildDataplaneOptions } from '../../config/dataplaneOptions.ts';
import type { DataplaneSettings } from '../../config/resolve.ts';
import { DesiredBuilder } from '../../desired/builder.ts';
import type { Contributors } from '../../inputs/contributors.ts';
import { namesOf, type OwnedNames } from '../../kernel/dataplane.ts';
import { ClusterStore } from '../../model/clusterStore.ts';
import type { HostNetwork } from '../../model/host.ts';
import { FAMILIES } from '../../net/family.ts';

export interface FirstReading {
  readonly names: OwnedNames;
  readonly sysctls: readonly string[];
}

/** The names depend neither on the cluster nor on the Node. */
export function firstReading(
  settings: DataplaneSettings,
  host: HostNetwork,
  contributors: Contributors,
): FirstReading {
  const node = { name: host.nodeName, podCIDRs: [], families: FAMILIES };
  const { options } = buildDataplaneOptions(settings, node);
  const dual = { ...host, families: FAMILIES };
  const { make, off } = contributors;
  const { state } = new DesiredBuilder(new ClusterStore(), options, dual, make(), off);
  return { names: namesOf(state), sysctls: [...state.sysctls.keys()] };
}
