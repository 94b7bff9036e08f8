/**
 * The kinds of objects that are read, one row each: where they are found, which of them stay at the
 * API server, and the door they come in by. Watching, manifests, the store, its replay and the
 * check of the chart's ClusterRole derive from the table.
 */
import type { Slim } from './fields.ts';
import type {
  EndpointSliceResource,
  NamespaceResource,
  NodeResource,
  ServiceResource,
} from './resources.ts';
import { slimEndpointSlice } from './slimEndpointSlice.ts';
import { slimNamespace } from './slimNamespace.ts';
import { slimNode } from './slimNode.ts';
import { slimBalancedService } from './slimBalancedService.ts';
import { HEADLESS_LABEL, PROXY_NAME_LABEL, slimService } from './slimService.ts';

/** What is kept of an object of each kind. */
export interface KindObjects {
  readonly Service: ServiceResource;
  readonly EndpointSlice: EndpointSliceResource;
  readonly Node: NodeResource;
  readonly Namespace: NamespaceResource;
}

export type KindName = keyof KindObjects;

/**
 * What a feature asks for besides what every proxy reads: a kind that is not required, objects left
 * at the server otherwise, or more of those that are read.
 */
export type Need = KindName | 'HeadlessServices' | 'ExternalNames' | 'LoadBalancing';

/** Of a proxy without features. */
export const NO_NEEDS: ReadonlySet<Need> = new Set();

/** Who reads. */
export interface ReadingScope {
  readonly nodeName: string;
  readonly needs: ReadonlySet<Need>;
}

/** Of a list and a watch, in the words of the API. */
export interface Selectors {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface Kind<K extends KindName> {
  readonly kind: K;
  /** as RBAC and the path name it */
  readonly resource: string;
  /** empty for the core group */
  readonly group: string;
  readonly version: string;
  readonly isNamespaced: boolean;
  /** that our role has to allow */
  readonly verbs: readonly ('get' | 'list' | 'watch')[];
  /**
   * Read always, and nothing is programmed before its first list; else for a feature that needs it,
   * and nobody waits.
   */
  readonly isRequired: boolean;
  readonly selectors: (scope: ReadingScope) => Selectors;
  /** @param needs default {@link NO_NEEDS} */
  readonly slim: (raw: unknown, needs?: ReadonlySet<Need>) => Slim<KindObjects[K]>;
}

export type AnyKind = { readonly [K in KindName]: Kind<K> }[KindName];

export const KINDS: { readonly [K in KindName]: Kind<K> } = {
  Service: {
    kind: 'Service',
    resource: 'services',
    group: '',
    version: 'v1',
    isNamespaced: true,
    verbs: ['list', 'watch'],
    isRequired: true,
    selectors: ({ needs }) => ({
      labelSelector: notOptedOut(needs),
      ...fieldSelector(
        needs.has('HeadlessServices') ? '' : 'spec.clusterIP!=None',
        needs.has('ExternalNames') ? '' : 'spec.type!=ExternalName',
      ),
    }),
    slim: (raw, needs = NO_NEEDS) => {
      const slim = slimService(raw);
      return needs.has('LoadBalancing') ? withBalancing(slim, raw) : slim;
    },
  },
  EndpointSlice: {
    kind: 'EndpointSlice',
    resource: 'endpointslices',
    group: 'discovery.k8s.io',
    version: 'v1',
    isNamespaced: true,
    verbs: ['list', 'watch'],
    isRequired: true,
    selectors: ({ needs }) => ({ labelSelector: notOptedOut(needs) }),
    slim: slimEndpointSlice,
  },
  Node: {
    kind: 'Node',
    resource: 'nodes',
    group: '',
    version: 'v1',
    isNamespaced: false,
    verbs: ['list', 'watch'],
    isRequired: true,
    // Of the others is read only what somebody asks for: cluster/otherNodes.ts. Load balancer
    // addresses are announced by any of them, and theirs are given to no Service.
    selectors: (scope) =>
      readsAllNodes(scope) ? {} : fieldSelector(`metadata.name=${escaped(scope.nodeName)}`),
    slim: (raw, needs = NO_NEEDS) => slimNode(raw, needs.has('LoadBalancing')),
  },
  Namespace: {
    kind: 'Namespace',
    resource: 'namespaces',
    group: '',
    version: 'v1',
    isNamespaced: false,
    verbs: ['list', 'watch'],
    isRequired: false,
    selectors: () => ({}),
    slim: slimNamespace,
  },
};

/**
 * With what the load balancer reads of it. What is wrong for both is told once, and what is wrong
 * for that one alone leaves the Service as it is.
 */
function withBalancing({ object, problems }: Slim<ServiceResource>, raw: unknown) {
  const balanced = slimBalancedService(raw);
  const known = new Set(problems.map(({ path }) => path));
  const all = [...problems, ...balanced.problems.filter(({ path }) => !known.has(path))];
  if (object === undefined || balanced.object === undefined)
    return { ...(object && { object }), problems: all };
  return { object: { ...object, balanced: balanced.object }, problems: all };
}

export function readsAllNodes({ needs }: Pick<ReadingScope, 'needs'>): boolean {
  return needs.has('LoadBalancing');
}

/** In the order of the table, in which they are listed. */
export const ALL_KINDS: readonly AnyKind[] = Object.values(KINDS);

/** Each with a door that keeps what is needed. */
export function kindsFor({ needs }: Pick<ReadingScope, 'needs'>): readonly AnyKind[] {
  const read = ALL_KINDS.filter(({ kind, isRequired }) => isRequired || needs.has(kind));
  return read.map((kind) => ({ ...kind, slim: (raw) => kind.slim(raw, needs) }) as AnyKind);
}

export function pathOf({ group, version, resource }: AnyKind): string {
  return group === '' ? `/api/${version}/${resource}` : `/apis/${group}/${version}/${resource}`;
}

/**
 * Objects of another proxy stay at the server, and headless ones; one that gains such a label is
 * seen as deleted.
 */
function notOptedOut(needs: ReadonlySet<Need>): string {
  const labels = [PROXY_NAME_LABEL, ...(needs.has('HeadlessServices') ? [] : [HEADLESS_LABEL])];
  return labels.map((label) => `!${label}`).join(',');
}

function fieldSelector(...terms: readonly string[]): Pick<Selectors, 'fieldSelector'> {
  const given = terms.filter((term) => term !== '');
  return given.length === 0 ? {} : { fieldSelector: given.join(',') };
}

/** A name from a flag may hold what separates terms. */
function escaped(value: string): string {
  return value.replaceAll(/[\\,=]/g, String.raw`\$&`);
}
