/**
 * The door for Services: checks the types of the fields that a proxy reads, applies the API's
 * defaults, drops the rest. A bad port is dropped alone; any other bad field drops the Service.
 * What addresses, ranges and policies *mean* is decided in service.ts.
 */
import type { Protocol } from '../net/family.ts';
import { asText, Fields, type Slim, stepOf } from './fields.ts';
import type { LoadBalancerIngress, ServicePortSpec, ServiceResource } from './resources.ts';
import { readPolicy } from './servicePolicy.ts';
import { trimmed } from './trimmed.ts';

export const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';

const SOURCE_RANGES_ANNOTATION = 'service.beta.kubernetes.io/load-balancer-source-ranges';

const SOURCE_RANGES_ANNOTATION_PATH = `metadata.annotations${stepOf(SOURCE_RANGES_ANNOTATION)}`;

const TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;
const POLICIES = ['Cluster', 'Local'] as const;
const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];
const IP_MODES = ['VIP', 'Proxy'] as const;

/** @see k8s.io/api/core/v1 Service */
export function slimService(raw: unknown): Slim<ServiceResource> {
  const { root, metadata, namespace, name } = Fields.open(raw, 'Service', true);
  const spec = root.object('spec');
  const labels = metadata.object('labels');
  const object: ServiceResource = {
    namespace,
    name,
    createdAt: metadata.string('creationTimestamp') ?? '',
    type: spec.choice('type', TYPES, 'ClusterIP'),
    clusterIPs: readClusterIPs(spec),
    externalIPs: spec.texts('externalIPs'),
    loadBalancerIngress: readIngress(root.object('status').object('loadBalancer')),
    ...readSourceRanges(spec, metadata.object('annotations')),
    ports: readPorts(spec),
    policy: readPolicy(spec),
    externalTrafficPolicy: spec.choice('externalTrafficPolicy', POLICIES, 'Cluster'),
    internalTrafficPolicy: spec.choice('internalTrafficPolicy', POLICIES, 'Cluster'),
    healthCheckNodePort: spec.integer('healthCheckNodePort', 0, 65_535) ?? 0,
    ...(labels.has(PROXY_NAME_LABEL) ? { proxyName: asText(labels.value(PROXY_NAME_LABEL)) } : {}),
    ...(labels.has(HEADLESS_LABEL) ? { isLabelledHeadless: true } : {}),
  };
  return root.isUsable ? { object, problems: root.problems } : { problems: root.problems };
}

function readClusterIPs(spec: Fields): readonly string[] {
  const all = spec.texts('clusterIPs');
  if (all.length > 0) return all;
  const single = spec.value('clusterIP');
  return single === undefined || single === '' ? [] : [asText(single)];
}

function readPorts(spec: Fields): readonly ServicePortSpec[] {
  const ports: ServicePortSpec[] = [];
  for (const item of spec.items('ports', 'port')) {
    const port: ServicePortSpec = {
      name: item.string('name') ?? '',
      protocol: item.choice('protocol', PROTOCOLS, 'TCP'),
      port: item.integer('port', 1, 65_535) ?? missingPort(item),
      nodePort: item.integer('nodePort', 0, 65_535) ?? 0,
      index: item.index,
    };
    if (item.isUsable) ports.push(port);
  }
  return trimmed(ports);
}

/** Reports a port without a number; one with a bad number has been reported already. */
function missingPort(item: Fields): number {
  if (item.value('port') === undefined)
    item.reject('port', 'must be a whole number from 1 to 65535');
  return 0;
}

/** Positions are kept: an entry of a host name, or a bad one, is an entry without address. */
function readIngress(loadBalancer: Fields): readonly LoadBalancerIngress[] {
  const ingress: LoadBalancerIngress[] = [];
  for (const item of loadBalancer.items('ingress', 'load balancer address')) {
    const ip = item.string('ip') ?? '';
    const ipMode = item.choice('ipMode', IP_MODES, 'VIP');
    ingress[item.index] = ip !== '' && item.isUsable ? { ip, ipMode } : { ipMode };
  }
  return trimmed(Array.from(ingress, (entry) => entry ?? { ipMode: 'VIP' }));
}

function readSourceRanges(
  spec: Fields,
  annotations: Fields,
): Pick<ServiceResource, 'sourceRanges' | 'sourceRangesPath'> {
  const ranges = spec.texts('loadBalancerSourceRanges');
  if (ranges.length > 0)
    return { sourceRanges: ranges, sourceRangesPath: 'spec.loadBalancerSourceRanges' };
  const annotation = (annotations.string(SOURCE_RANGES_ANNOTATION) ?? '').trim();
  const parts = annotation.split(',').filter((part) => part.trim() !== '');
  return {
    // an annotation that holds commas alone restricts to nothing readable: kept, so that it denies
    sourceRanges: annotation !== '' && parts.length === 0 ? [annotation] : trimmed(parts),
    sourceRangesPath: SOURCE_RANGES_ANNOTATION_PATH,
  };
}
