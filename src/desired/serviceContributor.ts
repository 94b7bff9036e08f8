/**
 * What every proxy needs of sets, rules and sysctls to serve Services, whatever they are: the first
 * contributor. The sets' members come with the Services themselves (fragment.ts); only who counts
 * as inside is a matter of the node.
 */
import type { DataplaneOptions } from '../dataplane/options.ts';
import type { HostNetwork } from '../model/host.ts';
import type { ClusterChange } from '../model/clusterStore.ts';
import type { NodeResource } from '../model/resources.ts';
import type { Family } from '../net/family.ts';
import type { ContributedRules, Contributor, Renewal, SetMember } from './contributor.ts';
import { FILTER_CHAINS, filterRules } from './filterRules.ts';
import { insideMembers } from './insideSources.ts';
import { SERVICE_SETS } from './ipsets.ts';
import { NAT_CHAINS, natRules } from './natRules.ts';
import { desiredSysctls } from './sysctls.ts';

export class ServiceContributor implements Contributor {
  readonly name = 'services';
  readonly sets = SERVICE_SETS;
  readonly chains = { nat: NAT_CHAINS, filter: FILTER_CHAINS };
  readonly sysctls = (options: DataplaneOptions, host: Pick<HostNetwork, 'kernelVersion'>) =>
    desiredSysctls(options, host.kernelVersion);
  readonly rules = serviceRules;
  readonly #options: DataplaneOptions;
  readonly #ownNode: () => NodeResource | undefined;
  #host: Pick<HostNetwork, 'families' | 'nodeName'> | undefined;
  #inside: readonly SetMember[] = [];
  #isStale = true;

  /** @param ownNode the Node of this host, as far as it is known */
  constructor(options: DataplaneOptions, ownNode: () => NodeResource | undefined) {
    this.#options = options;
    this.#ownNode = ownNode;
  }

  setHost(host: HostNetwork): void {
    this.#host = host;
    this.#isStale = true;
  }

  change(change: ClusterChange): void {
    if (change.kind === 'Node' && change.key === this.#host?.nodeName) this.#isStale = true;
  }

  settle(): Renewal {
    const host = this.#host;
    if (!this.#isStale || host === undefined) return {};
    this.#isStale = false;
    const went = this.#inside;
    this.#inside = insideMembers(this.#options, host.families, this.#ownNode());
    return { came: this.#inside, went };
  }
}

export function serviceRules(
  family: Family,
  options: DataplaneOptions,
  { hasRandomFully }: Pick<HostNetwork, 'hasRandomFully'>,
): ContributedRules {
  const nat = natRules(family, options, hasRandomFully);
  const filter = filterRules(family, options);
  return {
    chains: { nat: nat.chains, filter: filter.chains },
    jumps: [...nat.jumps, ...filter.jumps],
  };
}
