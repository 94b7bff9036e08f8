/**
 * The door for Services to the load balancer. What one thing is called by several programs is read
 * by all of the names: the first that is present and not empty counts, and which one it was is kept
 * for messages. A bad port is dropped alone; with any other bad field the Service is given no
 * address. What the wishes mean is decided in loadbalancer/.
 */
import { familyOf } from '../net/address.ts';
import { FAMILIES, type Family, type Protocol } from '../net/family.ts';
import { parseSloppyAddress } from '../net/sloppy.ts';
import type { BalancedService, StatusCondition, StatusIngress, Wish } from './balancedService.ts';
import { asText, Fields, type Slim, stepOf } from './fields.ts';
import { trimmed } from './trimmed.ts';

const TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;
const TRAFFIC_POLICIES = ['Cluster', 'Local'] as const;
const FAMILY_POLICIES = ['SingleStack', 'PreferDualStack', 'RequireDualStack'] as const;
const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

/** By what they ask for, ours first, then in the order in which they count. */
const ANNOTATIONS = {
  wantedAddresses: [
    'kube-ipvs.io/load-balancer-ips',
    'metallb.io/loadBalancerIPs',
    'metallb.universe.tf/loadBalancerIPs',
    'lbipam.cilium.io/ips',
    'io.cilium/lb-ipam-ips',
    'kube-vip.io/loadbalancerIPs',
    'purelb.io/addresses',
  ],
  wantedPools: [
    'kube-ipvs.io/address-pool',
    'metallb.io/address-pool',
    'metallb.universe.tf/address-pool',
    'purelb.io/service-group',
  ],
  shareKey: [
    'kube-ipvs.io/share-key',
    'metallb.io/allow-shared-ip',
    'metallb.universe.tf/allow-shared-ip',
    'lbipam.cilium.io/sharing-key',
    'io.cilium/lb-ipam-sharing-key',
    'purelb.io/allow-shared-ip',
  ],
  shareWithNamespaces: [
    'kube-ipvs.io/share-with-namespaces',
    'lbipam.cilium.io/sharing-cross-namespace',
  ],
} as const satisfies Partial<Record<keyof BalancedService, readonly string[]>>;

/** @see k8s.io/api/core/v1 Service */
export function slimBalancedService(raw: unknown): Slim<BalancedService> {
  const { root, metadata, namespace, name } = Fields.open(raw, 'Service', true, 'balanced Service');
  const spec = root.object('spec');
  const status = root.object('status');
  const loadBalancerClass = spec.string('loadBalancerClass');
  const clusterIPs = readClusterIPs(spec);
  const object: BalancedService = {
    namespace,
    name,
    uid: metadata.string('uid') ?? '',
    resourceVersion: metadata.string('resourceVersion') ?? '',
    createdAt: metadata.string('creationTimestamp') ?? '',
    isDeleting: metadata.value('deletionTimestamp') !== undefined,
    type: spec.choice('type', TYPES, 'ClusterIP'),
    ...(loadBalancerClass ? { loadBalancerClass } : {}),
    families: readFamilies(spec, clusterIPs),
    familyPolicy: spec.choice('ipFamilyPolicy', FAMILY_POLICIES, 'SingleStack'),
    clusterIPs,
    externalIPs: spec.texts('externalIPs'),
    ports: readPorts(spec),
    externalTrafficPolicy: spec.choice('externalTrafficPolicy', TRAFFIC_POLICIES, 'Cluster'),
    selector: spec.strings('selector'),
    labels: metadata.strings('labels'),
    ...readWishes(metadata.object('annotations')),
    ...wish('loadBalancerIP', spec, 'loadBalancerIP', 'spec'),
    ingress: readIngress(status.object('loadBalancer')),
    conditions: readConditions(status),
  };
  return root.isUsable ? { object, problems: root.problems } : { problems: root.problems };
}

function readClusterIPs(spec: Fields): readonly string[] {
  const listed = spec.texts('clusterIPs');
  const all = listed.length > 0 ? listed : [asText(spec.value('clusterIP') ?? '')];
  return trimmed(all.filter((text) => text !== '' && text !== 'None'));
}

function readFamilies(spec: Fields, clusterIPs: readonly string[]): readonly Family[] {
  const families = new Set<Family>();
  const listed = spec.texts('ipFamilies');
  for (const text of listed) {
    const family = FAMILIES.find((known) => known === text);
    if (family === undefined) spec.reject('ipFamilies', `must hold ${FAMILIES.join(' or ')} only`);
    else families.add(family);
  }
  if (listed.length > 0) return [...families];
  for (const text of clusterIPs) {
    const address = parseSloppyAddress(text);
    if (address !== undefined) families.add(familyOf(address));
  }
  return trimmed([...families]);
}

function readPorts(spec: Fields): readonly string[] {
  const ports = new Set<string>();
  for (const item of spec.items('ports', 'port')) {
    const protocol = item.choice('protocol', PROTOCOLS, 'TCP');
    if (item.value('port') === undefined)
      item.reject('port', 'must be a whole number from 1 to 65535');
    const port = item.integer('port', 1, 65_535);
    if (item.isUsable) ports.add(`${port}/${protocol}`);
  }
  return trimmed([...ports]);
}

type Wishes = { -readonly [K in keyof typeof ANNOTATIONS]?: Wish };

function readWishes(annotations: Fields): Wishes {
  const wishes: Wishes = {};
  for (const [thing, names] of Object.entries(ANNOTATIONS)) {
    for (const name of names) {
      const found = wish(thing, annotations, name, 'metadata.annotations');
      if (!Object.hasOwn(found, thing)) continue;
      Object.assign(wishes, found);
      break;
    }
  }
  return wishes;
}

function wish<K extends string>(thing: K, from: Fields, key: string, above: string) {
  const value = from.string(key)?.trim();
  return (value ? { [thing]: { field: above + stepOf(key), value } } : {}) as { [P in K]?: Wish };
}

function readIngress(loadBalancer: Fields): readonly StatusIngress[] {
  const ingress: StatusIngress[] = [];
  for (const item of loadBalancer.items('ingress', 'load balancer address')) {
    for (const key of ['ip', 'ipMode', 'hostname']) item.string(key);
    if (item.isUsable) ingress.push(item.whole());
  }
  return trimmed(ingress);
}

function readConditions(status: Fields): readonly StatusCondition[] {
  const conditions: StatusCondition[] = [];
  for (const item of status.items('conditions', 'condition')) {
    if (!item.string('type')) item.reject('type', 'must be a non-empty string');
    for (const key of ['status', 'reason', 'message', 'lastTransitionTime']) item.string(key);
    if (item.isUsable) conditions.push(item.whole() as unknown as StatusCondition);
  }
  return trimmed(conditions);
}
