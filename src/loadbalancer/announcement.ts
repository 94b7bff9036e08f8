/**
 * One address and who wants it announced: the input of an election, the same on every node. Which
 * addresses there are is the allocator's business.
 */
import type { Announcement, Pool } from '../config/loadBalancer/settings.ts';
import type { AnnouncingNode } from '../model/announcingNode.ts';
import { type LabelSelector, type Labels, selectorMatches } from '../model/labelSelector.ts';
import type { ObjectKey } from '../model/resources.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { Prefix } from '../net/prefix.ts';

export interface AnnouncedAddress {
  readonly address: Address;
  /** never empty; by key */
  readonly services: readonly AnnouncedService[];
  /** undefined: out of every pool, and announced as by a pool that says nothing */
  readonly pool: Pick<Pool, 'announce'> | undefined;
}

export interface AnnouncedService {
  readonly key: ObjectKey;
  /** with `kube-ipvs.io/name` and `kube-ipvs.io/namespace` */
  readonly labels: Labels;
  /** externalTrafficPolicy */
  readonly isLocal: boolean;
  readonly endpoints: EndpointNodes;
}

/** Where a Service's endpoints are. */
export interface EndpointNodes {
  /** there is a usable one, on whatever node: ready, or where none is, serving and terminating */
  readonly isAny: boolean;
  /** names of the nodes with a usable one */
  readonly nodes: ReadonlySet<string>;
}

/** A Node and what is known of the proxy on it. */
export interface CandidateNode extends AnnouncingNode {
  readonly name: string;
  /** deleted, about to be removed, or it says so itself */
  readonly isLeaving: boolean;
  readonly isAlive: boolean;
  readonly isReady: boolean;
  /** since its proxy was ready; Infinity: long ago */
  readonly aliveForMs: number;
  /** that it cannot program */
  readonly unable: ReadonlySet<Address>;
  /** that may carry announcements; undefined: not known */
  readonly interfaces: readonly AnnouncingInterface[] | undefined;
}

export interface AnnouncingInterface {
  readonly name: string;
  readonly prefixes: readonly Prefix[];
  /** families whose default route leads through it */
  readonly defaultRoute: readonly Family[];
}

const EVERYWHERE: Announcement = {
  nodeSelectors: [],
  serviceSelectors: [],
  interfaces: [],
  preferredNodes: [],
};

/** Entries of its pool that concern one of its Services at least. */
export function entriesFor({ pool, services }: AnnouncedAddress): readonly Announcement[] {
  const entries = pool === undefined ? [EVERYWHERE] : pool.announce;
  return entries.filter(({ serviceSelectors }) =>
    services.some(({ labels }) => matchesAny(serviceSelectors, labels)),
  );
}

/** Those of the entries that are for this node. */
export function entriesOn(
  node: Pick<CandidateNode, 'labels'>,
  entries: readonly Announcement[],
): readonly Announcement[] {
  return entries.filter(({ nodeSelectors }) => matchesAny(nodeSelectors, node.labels));
}

function matchesAny(selectors: readonly LabelSelector[], labels: Labels): boolean {
  return selectors.length === 0 || selectors.some((each) => selectorMatches(each, labels));
}
