/**
 * The cluster of the benchmarks: N Services with one port and M endpoints each, and the node that
 * proxies them. No two endpoints have an address in common.
 */
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';

export const NODE_NAME = 'bench';

/** Of a cluster. */
export interface Size {
  readonly services: number;
  /** of each */
  readonly endpoints: number;
}

export function benchService(index: number): ClusterObject {
  return service(`s${index}`);
}

function service(name: string): ClusterObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

/** @param moves how often its last endpoint has moved to where none has been yet */
export function benchSlice(index: number, size: Size, moves = 0): ClusterObject {
  const { services, endpoints } = size;
  const first = index * endpoints;
  const last = moves === 0 ? first + endpoints - 1 : services * (endpoints + moves - 1) + index;
  const numbers = [...Array.from({ length: endpoints - 1 }, (_, host) => first + host), last];
  return sliceOf('default', `s${index}`, numbers.map(addressOf), [
    { name: 'http', port: 8080, protocol: 'TCP' },
  ]);
}

function sliceOf(
  namespace: string,
  ofService: string,
  addresses: readonly string[],
  ports: readonly object[],
): ClusterObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${ofService}-1`,
      namespace,
      labels: { 'kubernetes.io/service-name': ofService },
    },
    addressType: 'IPv4',
    ports,
    endpoints: addresses.map((address) => ({
      addresses: [address],
      conditions: { ready: true },
      nodeName: NODE_NAME,
    })),
  };
}

/**
 * A Service with one endpoint that comes while the proxy runs; its slice may be there before it.
 */
export function lateService(
  number: number,
): readonly [service: ClusterObject, slice: ClusterObject] {
  const name = `late${number}`;
  const address = `10.64.${number >> 8}.${number & 255}`;
  const ports = [{ name: 'http', port: 8080, protocol: 'TCP' }];
  return [service(name), sliceOf('default', name, [address], ports)];
}

/** As many as an EndpointSlice takes. */
export const CROWD = 1_000;

export const crowdService: ClusterObject = service('crowd');

/** Of two generations in a row none has an endpoint of the other. */
export function crowdSlice(generation: number): ClusterObject {
  const addresses = Array.from(
    { length: CROWD },
    (_, i) => `${crowdNet(generation)}${i >> 8}.${i & 255}`,
  );
  return sliceOf('default', 'crowd', addresses, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
}

/** How the addresses of a generation begin. */
export function crowdNet(generation: number): string {
  return `172.${16 + (generation % 16)}.`;
}

/**
 * What pods need before anything else. The API server makes default/kubernetes by itself, but here
 * not its endpoints.
 */
export const criticalObjects: readonly ClusterObject[] = [
  sliceOf(
    'default',
    'kubernetes',
    ['198.18.0.1'],
    [{ name: 'https', port: 6443, protocol: 'TCP' }],
  ),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kube-dns', namespace: 'kube-system' },
    spec: {
      clusterIP: '10.96.0.10',
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      ],
    },
  },
  sliceOf(
    'kube-system',
    'kube-dns',
    ['10.244.9.2', '10.244.9.3'],
    [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  ),
];

/** As proxies name their virtual servers. */
export const criticalServers = ['10.96.0.1:443/TCP', '10.96.0.10:53/UDP', '10.96.0.10:53/TCP'];

/** Where the last endpoint of a slice is. */
export function lastAddress(slice: ClusterObject): string {
  const endpoints = slice['endpoints'] as readonly { readonly addresses: readonly string[] }[];
  return endpoints.at(-1)!.addresses[0]!;
}

/** Of 10.128.0.0/9, which holds eight million. */
function addressOf(number: number): string {
  return `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

export const benchNode: ClusterObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: NODE_NAME },
  spec: { podCIDRs: ['10.244.1.0/24'] },
};

export const benchNodeStatus = {
  status: { addresses: [{ type: 'InternalIP', address: '198.18.0.2' }] },
};
