/**
 * Raw API objects for tests, as an API server or a file would give them: a complete one each,
 * changed by overrides.
 */

type Raw = Record<string, unknown>;

/** `default/web`, cluster IP 10.96.0.10, port http 80/TCP. */
export function rawService(spec: Raw = {}, rest: Raw = {}): Raw {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      clusterIPs: ['10.96.0.10'],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      ...spec,
    },
    ...rest,
  };
}

/** `default/web-1` of Service `default/web`, port http 8080/TCP, one endpoint at 10.244.1.5. */
export function rawSlice(fields: Raw = {}): Raw {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'web-1',
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.244.1.5'], nodeName: 'node-a' }],
    ...fields,
  };
}
