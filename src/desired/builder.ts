/**
 * The desired state of a cluster on one node, kept up change by change: a change marks Services,
 * `settle` compiles those again and puts the difference into the live state. What a round costs
 * depends on what changed, never on what exists. From scratch (`buildDesired`) is the same code fed
 * with everything.
 */
import type { HostNetwork } from '../model/host.ts';
import type { Problem } from '../model/problem.ts';
import type { NodeResource, ObjectKey, ServiceResource } from '../model/resources.ts';
import {
  type ClusterChange,
  type ClusterSnapshot,
  forProxies,
  replay,
} from '../model/clusterStore.ts';
import { type Address, familyOf } from '../net/address.ts';
import { AddressIndex } from './addressIndex.ts';
import { type ServiceChoices, chooseForService } from './choices.ts';
import { type Claim, Claims } from './claims.ts';
import { type Fragment, compileService } from './fragment.ts';
import type { Contributor, Footprint, Renewal } from './contributor.ts';
import type { Frontend } from './frontends.ts';
import { judgementBy } from './judgement.ts';
import { desiredIptables } from './iptables.ts';
import { listedDestinations } from './listedDestinations.ts';
import { type FixedParts, LiveState } from './liveState.ts';
import { NodeContext } from './nodeContext.ts';
import type { DataplaneOptions } from '../dataplane/options.ts';
import { addressesWithin } from './podRanges.ts';
import { ServiceContributor } from './serviceContributor.ts';
import { ServiceProblems } from './serviceProblems.ts';
import { unusedNames } from './unusedNames.ts';
import type { DesiredState, DestinationKey, ServerKey } from '../dataplane/state.ts';
import type { Touched } from '../dataplane/touched.ts';

/** What is known of one Service: for `explain`. */
export interface ServiceView extends ServiceChoices {
  readonly service: ServiceResource;
  readonly frontends: readonly {
    readonly key: ServerKey;
    readonly frontend: Frontend;
    /** the Service that has this address and port instead */
    readonly takenBy?: ObjectKey;
  }[];
}

export class DesiredBuilder {
  readonly #options: DataplaneOptions;
  readonly #cluster: ClusterSnapshot;
  readonly #context: NodeContext;
  readonly #live: LiveState;
  readonly #claims = new Claims();
  readonly #fragments = new Map<ObjectKey, Fragment>();
  readonly #problems = new ServiceProblems(this.#fragments, this.#claims);
  /** frontend in the live state, by key */
  readonly #serving = new Map<ServerKey, Frontend>();
  readonly #byAddress = new AddressIndex<ObjectKey>();
  readonly #byExternalAddress = new AddressIndex<ObjectKey>();
  readonly #dirty = new Set<ObjectKey>();
  /** as it was told; one that is only gone from the cluster still counts */
  #ownNode: NodeResource | undefined;
  readonly #contributors: readonly Contributor[];
  readonly #off: readonly Footprint[];
  #host: HostNetwork;
  #hasNewRules = false;

  /**
   * @param cluster holds what the changes tell: every change has been put there before it is told
   * @param contributors beside that of the Services; they live as long as the builder
   * @param off contributors that might have been on before: what they left is removed
   */
  constructor(
    cluster: ClusterSnapshot,
    options: DataplaneOptions,
    host: HostNetwork,
    contributors: readonly Contributor[] = [],
    off: readonly Footprint[] = [],
  ) {
    this.#off = off;
    this.#cluster = cluster;
    this.#options = options;
    this.#host = host;
    const services = new ServiceContributor(options, () => this.#ownNode);
    this.#contributors = [services, ...contributors];
    this.#context = new NodeContext(options, host, judgementBy(contributors));
    for (const contributor of this.#contributors) contributor.setHost?.(host);
    const sets = this.#contributors.flatMap((contributor) => contributor.sets);
    this.#live = new LiveState(sets, this.#fixedParts());
    this.#live.addFamilies(host.families);
  }

  /** Live: the same object through the builder's life, up to date after each {@link settle}. */
  get state(): DesiredState {
    return this.#live;
  }

  change(change: ClusterChange): void {
    const { kind, key } = change;
    switch (kind) {
      case 'Service':
        this.#markAsking(this.#context.setService(key, change.before, change.object));
        this.#dirty.add(key);
        break;
      case 'EndpointSlice': {
        const before = forProxies(change.before);
        const after = forProxies(change.object);
        this.#markAsking(this.#context.setSlice(key, before, after));
        // two when it moved from one to the other
        if (before !== undefined) this.#dirty.add(before.service);
        if (after !== undefined) this.#dirty.add(after.service);
        break;
      }
      case 'Node':
        this.#context.setNode(key, change.before, change.object);
        if (key === this.#context.nodeName) this.#ownNode = change.object;
        break;
      default:
      // other kinds are features' own
    }
    for (const contributor of this.#contributors) contributor.change?.(change);
  }

  /**
   * New rules, sysctls or families (none of which a `Touched` can name) need a round with full
   * scope afterwards; changed addresses do not.
   */
  setHost(host: HostNetwork): void {
    if (host.nodeName !== this.#context.nodeName) {
      this.#ownNode = this.#cluster.nodes.get(host.nodeName);
    }
    this.#context.setHost(host, this.#ownNode);
    this.#host = host;
    for (const contributor of this.#contributors) contributor.setHost?.(host);
    this.#live.addFamilies(host.families);
    this.#live.setFixed(this.#fixedParts());
  }

  /** @returns the keys that may differ since the last call */
  settle(): Touched {
    for (const contributor of this.#contributors) this.#renew(contributor.settle?.() ?? {});
    this.#markConcerned();
    const keys = new Set<ServerKey>();
    for (const service of this.#dirty) this.#recompile(service, keys);
    this.#dirty.clear();
    for (const key of keys) {
      this.#settleServer(key);
      this.#problems.claimed(key);
    }
    this.#live.dropFamiliesBut(this.#context.families);
    const touched = this.#live.takeTouched();
    if (!this.#hasNewRules) return touched;
    this.#hasNewRules = false;
    return { ...touched, hasNewRules: true };
  }

  /** What is wrong with Services and their slices, up to date after each {@link settle}. */
  get problems(): ServiceProblems {
    return this.#problems;
  }

  /** One of this node's own, on whatever interface but the dummy. */
  isNodeAddress(address: Address): boolean {
    return this.#context.isNodeAddress(address);
  }

  /** See DrainSource of plan/drain.ts; costs what the Service has endpoints. */
  listed(key: ServerKey): ReadonlySet<DestinationKey> {
    const claim = this.#claims.winner(key);
    if (claim === undefined) return new Set();
    const { address, protocol } = claim.frontend.server;
    const slices = this.#slicesOf(claim.fragment.service);
    return listedDestinations(slices, familyOf(address), protocol);
  }

  service(key: ObjectKey): ServiceView | undefined {
    const service = this.#cluster.services.get(key);
    if (service === undefined) return undefined;
    const frontends = Array.from(
      this.#fragments.get(key)?.frontends ?? [],
      ([server, frontend]) => {
        const holder = this.#claims.winner(server)?.fragment.service;
        const isTaken = holder !== undefined && holder !== key;
        return { key: server, frontend, ...(isTaken ? { takenBy: holder } : {}) };
      },
    );
    return { service, ...chooseForService(service, this.#slicesOf(key), this.#context), frontends };
  }

  #markConcerned(): void {
    const { all, features, addresses, ranges } = this.#context.takeConcerned();
    for (const address of addresses) {
      for (const service of this.#byAddress.ownersOf(address)) this.#dirty.add(service);
    }
    this.#markAsking(addressesWithin(ranges, this.#byExternalAddress.addresses()));
    if (!all && features.size === 0) return;
    for (const [service, { dependsOn }] of this.#fragments) {
      if (all || [...features].some((feature) => dependsOn[feature])) this.#dirty.add(service);
    }
  }

  /**
   * Services that ask for one of these as an external address; one that is not compiled yet is
   * marked already.
   */
  #markAsking(addresses: readonly Address[]): void {
    for (const address of addresses) {
      for (const service of this.#byExternalAddress.ownersOf(address)) this.#dirty.add(service);
    }
  }

  /** @param keys collects the server keys whose claims changed */
  #recompile(key: ObjectKey, keys: Set<ServerKey>): void {
    const before = this.#fragments.get(key);
    const service = this.#cluster.services.get(key);
    const after =
      service === undefined
        ? undefined
        : compileService(service, this.#slicesOf(key), this.#context);
    this.#live.replaceMembers(before?.members ?? [], after?.members ?? []);
    for (const server of new Set([
      ...(before?.frontends.keys() ?? []),
      ...(after?.frontends.keys() ?? []),
    ])) {
      this.#claims.replace(server, claimOf(before, server), claimOf(after, server));
      keys.add(server);
    }
    this.#byAddress.replace(key, before?.addresses ?? NONE, after?.addresses ?? NONE);
    this.#byExternalAddress.replace(
      key,
      before?.externalAddresses ?? NONE,
      after?.externalAddresses ?? NONE,
    );
    this.#problems.recompiled(key, before, after);
    if (after === undefined) this.#fragments.delete(key);
    else this.#fragments.set(key, after);
  }

  #settleServer(key: ServerKey): void {
    const next = this.#claims.winner(key)?.frontend;
    this.#live.replace(key, this.#serving.get(key), next);
    if (next === undefined) this.#serving.delete(key);
    else this.#serving.set(key, next);
  }

  #slicesOf(key: ObjectKey) {
    return this.#cluster.slices.get(key) ?? [];
  }

  #renew({ services = [], came = [], went = [], hasNewRules = false }: Renewal): void {
    for (const service of services) this.#dirty.add(service);
    this.#live.replaceMembers(went, came);
    if (!hasNewRules) return;
    this.#hasNewRules = true;
    this.#live.setFixed(this.#fixedParts());
  }

  #fixedParts(): FixedParts {
    const sysctls = new Map<string, string>();
    for (const contributor of this.#contributors) {
      for (const [name, value] of contributor.sysctls?.(this.#options, this.#host) ?? [])
        if (!sysctls.has(name)) sysctls.set(name, value);
    }
    const iptables = desiredIptables(this.#contributors, this.#options, this.#host);
    const unused = unusedNames(this.#contributors, this.#off, iptables);
    return { iptables, sysctls, ...(unused === undefined ? {} : { unused }) };
  }
}

const NONE: ReadonlySet<Address> = new Set();

function claimOf(fragment: Fragment | undefined, key: ServerKey): Claim | undefined {
  const frontend = fragment?.frontends.get(key);
  return fragment === undefined || frontend === undefined ? undefined : { fragment, frontend };
}

/** From scratch, by the same code. */
export function buildDesired(
  snapshot: ClusterSnapshot,
  host: HostNetwork,
  options: DataplaneOptions,
  contributors: readonly Contributor[] = [],
  off: readonly Footprint[] = [],
): { readonly state: DesiredState; readonly problems: readonly Problem[] } {
  const builder = new DesiredBuilder(snapshot, options, host, contributors, off);
  for (const change of replay(snapshot)) builder.change(change);
  builder.settle();
  return { state: builder.state, problems: builder.problems.all() };
}
