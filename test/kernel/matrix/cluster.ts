/**
 * The cluster that the packet matrix asks: its nodes, pods and Services with their addresses, and
 * the same as manifests. Each node has one pod that serves and one that only asks. What packets
 * should meet is rows.ts's business.
 */
import {
  type IpFamily,
  type Pod,
  nodeAt,
  outsideClient,
  podAddresses,
} from '../../lab/addressPlan.ts';

export const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];
export const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;
export type MatrixProtocol = (typeof PROTOCOLS)[number];

export const node1 = nodeAt(1);
export const node2 = nodeAt(2);
export const nodes = [node1, node2] as const;

export const web1 = podOn(1, 'web1', 10);
export const web2 = podOn(2, 'web2', 10);
export const asker1 = podOn(1, 'asker1', 11);
export const asker2 = podOn(2, 'asker2', 11);
export const pods: readonly Pod[] = [web1, web2, asker1, asker2];

/** What the pods serve on, for every protocol. */
export const TARGET_PORT = 8080;

export type Frontend = 'ClusterIP' | 'NodePort' | 'externalIP' | 'load balancer IP';
export const FRONTENDS: readonly Frontend[] = [
  'ClusterIP',
  'NodePort',
  'externalIP',
  'load balancer IP',
];

export interface TestService {
  readonly name: string;
  /** what its addresses end in, and its nodePort; 1–99 */
  readonly number: number;
  readonly port: number;
  /** of inside and outside traffic alike */
  readonly policy: 'Cluster' | 'Local';
  readonly endpoints: readonly Pod[];
  /** of both families; absent: no restriction */
  readonly sourceRanges?: readonly string[];
  /** of type ClusterIP, nothing else */
  readonly isInternal?: true;
}

function service(
  name: string,
  number: number,
  policy: TestService['policy'],
  endpoints: readonly Pod[],
  more: Pick<TestService, 'sourceRanges' | 'isInternal'> & { readonly port?: number } = {},
): TestService {
  return { name, number, policy, endpoints, port: 80, ...more };
}

export const clusterEverywhere = service('cluster-everywhere', 1, 'Cluster', [web1, web2]);
export const clusterOnNode1 = service('cluster-on-node1', 2, 'Cluster', [web1]);
export const localEverywhere = service('local-everywhere', 3, 'Local', [web1, web2]);
export const localOnNode1 = service('local-on-node1', 4, 'Local', [web1]);
export const localOnNode2 = service('local-on-node2', 5, 'Local', [web2]);
export const withoutEndpoints = service('without-endpoints', 6, 'Cluster', []);
export const localWithoutEndpoints = service('local-without-endpoints', 7, 'Local', []);
/** Admits the outside client and one pod, not the nodes. */
export const forSomeClients = service('for-some-clients', 8, 'Cluster', [web1, web2], {
  sourceRanges: FAMILIES.flatMap((family) => [
    hostRange(outsideClient.addresses[family]),
    hostRange(asker1.addresses[family]),
  ]),
});
/** Admits node1 and nobody else. */
export const forNode1 = service('for-node1', 9, 'Cluster', [web1, web2], {
  sourceRanges: FAMILIES.map((family) => hostRange(node1.addresses[family])),
});
/** Its port number is also {@link clusterEverywhere}'s nodePort. */
export const onNodePortNumber = service('on-node-port-number', 10, 'Cluster', [web1, web2], {
  port: nodePortOf(clusterEverywhere),
  isInternal: true,
});

export const services: readonly TestService[] = [
  clusterEverywhere,
  clusterOnNode1,
  localEverywhere,
  localOnNode1,
  localOnNode2,
  withoutEndpoints,
  localWithoutEndpoints,
  forSomeClients,
  forNode1,
  onNodePortNumber,
];

export function nodePortOf({ number }: Pick<TestService, 'number'>): number {
  return 30_000 + number;
}

/** An address that Services' virtual servers have on every node; NodePorts have the nodes' own. */
export function virtualAddress(
  { number }: TestService,
  frontend: Exclude<Frontend, 'NodePort'>,
  family: IpFamily,
): string {
  const last = (n: number) => (family === 'IPv4' ? String(n) : n.toString(16));
  switch (frontend) {
    case 'ClusterIP':
      return (family === 'IPv4' ? '10.96.1.' : 'fd00:10:96::') + last(number);
    case 'externalIP':
      return (family === 'IPv4' ? '198.51.100.' : '2001:db8:100::') + last(number);
    default:
      return (family === 'IPv4' ? '198.51.100.' : '2001:db8:100::') + last(100 + number);
  }
}

/** Everything as one `List`, in JSON. */
export function manifests(): string {
  const items = [
    ...nodes.map(({ name, addresses, podCidrs }) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      spec: { podCIDRs: FAMILIES.map((family) => podCidrs[family]) },
      status: {
        addresses: FAMILIES.map((family) => ({ type: 'InternalIP', address: addresses[family] })),
      },
    })),
    ...services.map(serviceObject),
    ...services.flatMap((each) => FAMILIES.map((family) => sliceObject(each, family))),
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 1);
}

function serviceObject(each: TestService) {
  const { name, port, policy, sourceRanges, isInternal } = each;
  const addresses = (frontend: Exclude<Frontend, 'NodePort'>) =>
    FAMILIES.map((family) => virtualAddress(each, frontend, family));
  const ports = PROTOCOLS.map((protocol) => ({
    name: protocol.toLowerCase(),
    protocol,
    port,
    targetPort: TARGET_PORT,
    ...(isInternal ? {} : { nodePort: nodePortOf(each) }),
  }));
  const internal = {
    clusterIPs: addresses('ClusterIP'),
    ipFamilies: FAMILIES,
    internalTrafficPolicy: policy,
    ports,
  };
  const head = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'matrix' } };
  if (isInternal) return { ...head, spec: { type: 'ClusterIP', ...internal } };
  return {
    ...head,
    spec: {
      type: 'LoadBalancer',
      ...internal,
      externalTrafficPolicy: policy,
      externalIPs: addresses('externalIP'),
      ...(sourceRanges === undefined ? {} : { loadBalancerSourceRanges: sourceRanges }),
    },
    status: {
      loadBalancer: { ingress: addresses('load balancer IP').map((ip) => ({ ip })) },
    },
  };
}

function sliceObject({ name, endpoints }: TestService, family: IpFamily) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${family.toLowerCase()}`,
      namespace: 'matrix',
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType: family,
    ports: PROTOCOLS.map((protocol) => ({
      name: protocol.toLowerCase(),
      protocol,
      port: TARGET_PORT,
    })),
    endpoints: endpoints.map(({ node, addresses }) => ({
      addresses: [addresses[family]],
      nodeName: node,
      conditions: { ready: true },
    })),
  };
}

function podOn(nodeIndex: number, name: string, host: number): Pod {
  const node = nodeAt(nodeIndex);
  return { name, node: node.name, addresses: podAddresses(node, host) };
}

function hostRange(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`;
}
