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
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `s${index}`, namespace: 'default' },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

/** @param moves how often its last endpoint has moved to where none has been yet */
export function benchSlice(index: number, size: Size, moves = 0): ClusterObject {
  const { services, endpoints } = size;
  const first = index * endpoints;
  const last = moves === 0 ? first + endpoints - 1 : services * (endpoints + moves - 1) + index;
  const numbers = [...Array.from({ length: endpoints - 1 }, (_, host) => first + host), last];
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `s${index}-1`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': `s${index}` },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: numbers.map((number) => ({
      addresses: [addressOf(number)],
      conditions: { ready: true },
      nodeName: NODE_NAME,
    })),
  };
}

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
