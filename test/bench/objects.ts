/**
 * The cluster of the benchmarks: N Services with one port and two endpoints each, and the node that
 * proxies them.
 */
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';

export const NODE_NAME = 'bench';

export function benchService(index: number): ClusterObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `s${index}`, namespace: 'default' },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

/** @param moved the last part of the second endpoint's address, to change it */
export function benchSlice(index: number, moved = 2): ClusterObject {
  const [high, low] = [index >> 7, (index & 127) * 2];
  const endpoint = (host: number) => ({
    addresses: [`10.${100 + host}.${high}.${low}`],
    conditions: { ready: true },
    nodeName: NODE_NAME,
  });
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
    endpoints: [endpoint(1), endpoint(moved)],
  };
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
