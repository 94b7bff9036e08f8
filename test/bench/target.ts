/** The Service whose data path is measured, and the pods at its ends. */
import type { ClusterObject } from '../support/e2e/clusterObjects.ts';
import { NODE_NAME } from './objects.ts';

/** Namespaces of the lab by name. */
export const PODS = { client: '10.244.1.10', server: '10.244.1.11' };

/** Of the Service and of the pod alike; see test/lab/strain.c. */
export const TARGET_PORTS = { answering: 8080, asked: 8081, swallowing: 8082 };

const { answering, asked, swallowing } = TARGET_PORTS;
const ports = [
  { name: 'answering', port: answering, protocol: 'TCP' },
  { name: 'asked', port: asked, protocol: 'UDP' },
  { name: 'swallowing', port: swallowing, protocol: 'TCP' },
];

export const targetService: ClusterObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'target', namespace: 'default' },
  spec: { ports },
};

export const targetSlice: ClusterObject = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: 'target-1',
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': 'target' },
  },
  addressType: 'IPv4',
  ports,
  endpoints: [{ addresses: [PODS.server], conditions: { ready: true }, nodeName: NODE_NAME }],
};
