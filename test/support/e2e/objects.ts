// API objects as the end-to-end tests write them: only the fields they mean.

import type { ClusterObject } from './clusterObjects.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';

export function service(name: string, spec: object = {}, metadata: object = {}): ClusterObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', ...metadata },
    spec: { ports: [{ port: 80, targetPort: 8080 }], ...spec },
  };
}

export interface SliceFields {
  readonly ports?: readonly object[];
  readonly addressType?: 'IPv4' | 'IPv6';
  /** default one ready endpoint */
  readonly endpoints?: readonly object[];
}

/** A slice of the Service whose name `name` begins with: `web-1` of `web`. */
export function slice(name: string, fields: SliceFields = {}): ClusterObject {
  const { ports, addressType = 'IPv4', endpoints } = fields;
  const ofService = name.replace(/-[^-]*$/, '');
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { [SERVICE_NAME]: ofService } },
    addressType,
    ports: ports ?? [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: endpoints ?? [endpoint('10.244.1.5')],
  };
}

/** @param more conditions, hints, zone */
export function endpoint(address: string, more: object = {}): object {
  return { addresses: [address], conditions: { ready: true }, ...more };
}
