/** Which objects are watched, with which selectors, and how each becomes a change that the agent understands. */
import type { Slim } from '../model/fields.ts';
import type {
  ClusterChange,
  EndpointSliceResource,
  NodeResource,
  ObjectKey,
  ServiceResource,
} from '../model/resources.ts';
import { slimEndpointSlice } from '../model/slimEndpointSlice.ts';
import { slimNode } from '../model/slimNode.ts';
import { HEADLESS_LABEL, PROXY_NAME_LABEL, slimService } from '../model/slimService.ts';
import type { Query } from './transport.ts';

export interface ResourceKind<T> {
  readonly kind: ClusterChange['kind'];
  /** as RBAC names it */
  readonly resource: string;
  readonly group: string;
  readonly path: string;
  readonly selectors: Query;
  readonly slim: (raw: unknown) => Slim<T>;
  readonly upserted: (key: ObjectKey, object: T) => ClusterChange;
  readonly deleted: (key: ObjectKey, last: T) => ClusterChange;
}

/** Objects of another proxy, and headless ones, stay at the server; one that gains such a label is seen as deleted. */
const NOT_OPTED_OUT = `!${PROXY_NAME_LABEL},!${HEADLESS_LABEL}`;

export const SERVICES: ResourceKind<ServiceResource> = {
  kind: 'Service',
  resource: 'services',
  group: '',
  path: '/api/v1/services',
  selectors: { labelSelector: NOT_OPTED_OUT, fieldSelector: 'spec.clusterIP!=None' },
  slim: slimService,
  upserted: (key, object) => ({ kind: 'Service', key, object }),
  deleted: (key) => ({ kind: 'Service', key, object: undefined }),
};

export const ENDPOINT_SLICES: ResourceKind<EndpointSliceResource> = {
  kind: 'EndpointSlice',
  resource: 'endpointslices',
  group: 'discovery.k8s.io',
  path: '/apis/discovery.k8s.io/v1/endpointslices',
  selectors: { labelSelector: NOT_OPTED_OUT },
  slim: slimEndpointSlice,
  upserted: (key, object) => ({ kind: 'EndpointSlice', key, service: object.service, object }),
  deleted: (key, last) => ({
    kind: 'EndpointSlice',
    key,
    service: last.service,
    object: undefined,
  }),
};

export const NODES: ResourceKind<NodeResource> = {
  kind: 'Node',
  resource: 'nodes',
  group: '',
  path: '/api/v1/nodes',
  selectors: {},
  slim: slimNode,
  upserted: (key, object) => ({ kind: 'Node', key, object }),
  deleted: (key) => ({ kind: 'Node', key, object: undefined }),
};
