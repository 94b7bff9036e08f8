/**
 * The door for EndpointSlices: checks the types of the fields that a proxy reads, applies the API's
 * defaults, drops the rest. A bad endpoint or port is dropped alone; any other bad field drops the
 * slice. Slices of host names (FQDN) and those labelled for another proxy are left out without a
 * word, as kube-proxy does; of those labelled as headless nothing is said either. Whether an
 * address can be served is decided in endpoint.ts.
 */
import type { Protocol } from '../net/family.ts';
import { asText, Fields, type Slim } from './fields.ts';
import type { EndpointPortSpec, EndpointSliceResource, EndpointSpec } from './resources.ts';
import { trimmed } from './trimmed.ts';
import { HEADLESS_LABEL, PROXY_NAME_LABEL } from './slimService.ts';

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const TRIGGER_TIME_ANNOTATION = 'endpoints.kubernetes.io/last-change-trigger-time';

const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

/** @see k8s.io/api/discovery/v1 EndpointSlice */
export function slimEndpointSlice(raw: unknown): Slim<EndpointSliceResource> {
  const { root, metadata, namespace, name } = Fields.open(raw, 'EndpointSlice', true);
  const labels = metadata.object('labels');
  const addressType = readAddressType(root);
  if (labels.has(PROXY_NAME_LABEL) || addressType === 'FQDN') return { problems: root.problems };
  const isHeadless = labels.has(HEADLESS_LABEL);
  const service = labels.string(SERVICE_NAME_LABEL);
  if (!service)
    labels.reject(SERVICE_NAME_LABEL, 'must name the Service whose endpoints these are');
  const triggerTimeMs = readTriggerTime(metadata.object('annotations'));
  const object: EndpointSliceResource = {
    namespace,
    name,
    service: `${namespace}/${service}`,
    addressType,
    ports: readPorts(root),
    endpoints: readEndpoints(root),
    ...(triggerTimeMs === undefined ? {} : { triggerTimeMs }),
    ...(isHeadless ? { isHeadless } : {}),
  };
  const problems = isHeadless ? [] : root.problems;
  return root.isUsable ? { object, problems } : { problems };
}

function readAddressType(root: Fields): 'IPv4' | 'IPv6' | 'FQDN' {
  if (root.value('addressType') === undefined) root.reject('addressType', 'must be IPv4 or IPv6');
  return root.choice('addressType', ['IPv4', 'IPv6', 'FQDN'], 'IPv4');
}

/** A port without a number means "every port" in the API; a proxy has no use for it. */
function readPorts(root: Fields): readonly EndpointPortSpec[] {
  const ports: EndpointPortSpec[] = [];
  for (const item of root.items('ports', 'port')) {
    const name = item.string('name') ?? '';
    const protocol = item.choice('protocol', PROTOCOLS, 'TCP');
    const port = item.integer('port', 1, 65_535);
    if (port !== undefined && item.isUsable) ports.push({ name, protocol, port });
  }
  return trimmed(ports);
}

function readEndpoints(root: Fields): readonly EndpointSpec[] {
  const endpoints: EndpointSpec[] = [];
  for (const item of root.items('endpoints', 'endpoint')) {
    const endpoint = readEndpoint(item);
    if (endpoint !== undefined && item.isUsable) endpoints.push(endpoint);
  }
  return trimmed(endpoints);
}

function readEndpoint(item: Fields): EndpointSpec | undefined {
  const [address] = item.list('addresses');
  if (address === undefined) return item.reject('addresses', 'must hold an address');
  const conditions = item.object('conditions');
  const hints = item.object('hints');
  const hintZones = readHints(hints, 'forZones');
  const hintNodes = readHints(hints, 'forNodes');
  const nodeName = item.string('nodeName');
  const target = readTarget(item);
  return {
    address: asText(address),
    index: item.index,
    isReady: conditions.boolean('ready') ?? true,
    isServing: conditions.boolean('serving') ?? true,
    isTerminating: conditions.boolean('terminating') ?? false,
    ...(nodeName ? { nodeName } : {}),
    ...(hintZones === undefined ? {} : { hintZones }),
    ...(hintNodes === undefined ? {} : { hintNodes }),
    ...(target === undefined ? {} : { target }),
  };
}

function readHints(hints: Fields, key: 'forZones' | 'forNodes'): readonly string[] | undefined {
  const names: string[] = [];
  for (const hint of hints.items(key, 'hint')) {
    const name = hint.string('name');
    if (name) names.push(name);
  }
  return names.length === 0 ? undefined : names;
}

/**
 * Only an annotation for people to read: a target that is not well formed is left out and not worth
 * a problem.
 */
function readTarget(item: Fields): string | undefined {
  const reference = item.value('targetRef');
  if (typeof reference !== 'object' || reference === null) return undefined;
  const { kind, namespace, name } = reference as Record<string, unknown>;
  if (typeof name !== 'string') return undefined;
  const scope = typeof namespace === 'string' ? `${namespace}/` : '';
  return `${typeof kind === 'string' ? kind : 'Pod'} ${scope}${name}`;
}

/** Feeds a metric only: unreadable counts as absent. */
function readTriggerTime(annotations: Fields): number | undefined {
  const value = annotations.value(TRIGGER_TIME_ANNOTATION);
  const timeMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
