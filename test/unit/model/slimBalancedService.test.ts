import { expect, test } from '@jest/globals';
import { formatProblem } from '../../../src/model/problem.ts';
import { slimBalancedService } from '../../../src/model/slimBalancedService.ts';
import { rawService } from '../../support/objects/rawObjects.ts';

function read(spec: Record<string, unknown> = {}, rest: Record<string, unknown> = {}) {
  const { object, problems } = slimBalancedService(rawService(spec, rest));
  return { service: object, lines: problems.map((problem) => formatProblem(problem)) };
}

function annotated(annotations: Record<string, unknown>, spec: Record<string, unknown> = {}) {
  return read(spec, { metadata: { name: 'web', namespace: 'default', annotations } });
}

test('what says who it is and what it serves is kept', () => {
  const metadata = {
    name: 'dns',
    namespace: 'kube-system',
    uid: 'u-1',
    resourceVersion: '77',
    creationTimestamp: '2026-11-30T12:00:00Z',
    deletionTimestamp: '2026-11-30T13:00:00Z',
    labels: { tier: 'web' },
  };
  const spec = {
    type: 'LoadBalancer',
    loadBalancerClass: 'kube-ipvs.io/l2',
    ipFamilies: ['IPv6', 'IPv4'],
    ipFamilyPolicy: 'PreferDualStack',
    clusterIPs: ['fd00::a', '10.96.0.10'],
    externalIPs: ['192.0.2.9'],
    externalTrafficPolicy: 'Local',
    selector: { app: 'dns' },
    ports: [{ port: 53, protocol: 'UDP' }, { port: 53 }, { port: 53, name: 'again' }],
  };
  expect(read(spec, { metadata })).toEqual({
    lines: [],
    service: {
      namespace: 'kube-system',
      name: 'dns',
      uid: 'u-1',
      resourceVersion: '77',
      createdAt: '2026-11-30T12:00:00Z',
      isDeleting: true,
      type: 'LoadBalancer',
      loadBalancerClass: 'kube-ipvs.io/l2',
      families: ['IPv6', 'IPv4'],
      familyPolicy: 'PreferDualStack',
      clusterIPs: ['fd00::a', '10.96.0.10'],
      externalIPs: ['192.0.2.9'],
      ports: ['53/UDP', '53/TCP'],
      externalTrafficPolicy: 'Local',
      selector: { app: 'dns' },
      labels: { tier: 'web' },
      ingress: [],
      conditions: [],
    },
  });
});

test('without ipFamilies the families are those of the cluster IPs, in order', () => {
  expect(read({ clusterIPs: ['fd00::a', '10.96.0.10'] }).service?.families).toEqual([
    'IPv6',
    'IPv4',
  ]);
  expect(read({ clusterIPs: undefined, clusterIP: '10.96.0.10' }).service?.families).toEqual([
    'IPv4',
  ]);
  const unknown = read({ clusterIPs: undefined, clusterIP: 'None' }).service;
  expect(unknown).toMatchObject({ families: [], clusterIPs: [], familyPolicy: 'SingleStack' });
  expect(read({ clusterIPs: undefined }).service?.families).toEqual([]);
});

test.each([
  [
    'wantedAddresses',
    `kube-ipvs.io/load-balancer-ips metallb.io/loadBalancerIPs metallb.universe.tf/loadBalancerIPs
     lbipam.cilium.io/ips io.cilium/lb-ipam-ips kube-vip.io/loadbalancerIPs purelb.io/addresses`,
  ],
  [
    'wantedPools',
    `kube-ipvs.io/address-pool metallb.io/address-pool metallb.universe.tf/address-pool
     purelb.io/service-group`,
  ],
  [
    'shareKey',
    `kube-ipvs.io/share-key metallb.io/allow-shared-ip metallb.universe.tf/allow-shared-ip
     lbipam.cilium.io/sharing-key io.cilium/lb-ipam-sharing-key purelb.io/allow-shared-ip`,
  ],
  [
    'shareWithNamespaces',
    'kube-ipvs.io/share-with-namespaces lbipam.cilium.io/sharing-cross-namespace',
  ],
] as const)('%s: the first annotation that is not empty counts', (thing, names) => {
  const order = names.split(/\s+/);
  for (const [at, name] of order.entries()) {
    const later = order.slice(at).map((other) => [other, ` value of ${other} `]);
    const earlier = order.slice(0, at).map((other) => [other, ' ']);
    const { service, lines } = annotated(Object.fromEntries([...later, ...earlier]));
    expect(lines).toEqual([]);
    expect(service?.[thing]).toEqual({
      field: `metadata.annotations[${name}]`,
      value: `value of ${name}`,
    });
  }
  expect(annotated({ [order[0]!]: '' }).service).not.toHaveProperty(thing);
});

test('the field loadBalancerIP is kept beside the annotations', () => {
  const { service } = annotated(
    { 'metallb.io/loadBalancerIPs': '192.0.2.1' },
    { loadBalancerIP: '192.0.2.2' },
  );
  expect(service?.loadBalancerIP).toEqual({ field: 'spec.loadBalancerIP', value: '192.0.2.2' });
  expect(service?.wantedAddresses?.value).toBe('192.0.2.1');
});

test('ingress and conditions are kept whole, those of others too', () => {
  const ingress = [
    { ip: '192.0.2.1', ipMode: 'Proxy', ports: [{ port: 80, protocol: 'TCP' }] },
    { hostname: 'lb.example' },
  ];
  const conditions = [{ type: 'example.com/Other', status: 'True', observedGeneration: 3 }];
  const { service, lines } = read({}, { status: { loadBalancer: { ingress }, conditions } });
  expect(lines).toEqual([]);
  expect(service).toMatchObject({ ingress, conditions });
});

test('what is bad in a status, and a bad port, is dropped alone', () => {
  const status = {
    loadBalancer: { ingress: [{ ip: 5 }, { ip: '192.0.2.1' }] },
    conditions: [{ status: 'True' }, { type: 'a', status: true }, { type: 'b' }],
  };
  const { service, lines } = read({ ports: [{ port: 0 }, {}, { port: 80 }] }, { status });
  expect(service).toMatchObject({
    ports: ['80/TCP'],
    ingress: [{ ip: '192.0.2.1' }],
    conditions: [{ type: 'b' }],
  });
  const at = 'Service/default/web';
  expect(lines).toEqual([
    `${at}.spec.ports[0].port (0): must be a whole number from 1 to 65535; this port is skipped`,
    `${at}.spec.ports[1].port: must be a whole number from 1 to 65535; this port is skipped`,
    `${at}.status.loadBalancer.ingress[0].ip (5): must be a string (put it in quotes); this load balancer address is skipped`,
    `${at}.status.conditions[0].type: must be a non-empty string; this condition is skipped`,
    `${at}.status.conditions[1].status (true): must be a string (put it in quotes); this condition is skipped`,
  ]);
});

test.each([
  [{ ipFamilies: ['IPv5'] }, 'spec.ipFamilies (["IPv5"]): must hold IPv4 or IPv6 only'],
  [{ ipFamilyPolicy: 'Dual' }, 'spec.ipFamilyPolicy ("Dual"): must be one of SingleStack'],
  [{ loadBalancerIP: 1 }, 'spec.loadBalancerIP (1): must be a string'],
  [{ loadBalancerClass: {} }, 'spec.loadBalancerClass ({}): must be a string'],
])('a Service with %j is skipped, with the place', (spec, line) => {
  const { service, lines } = read(spec);
  expect(service).toBeUndefined();
  expect(lines).toEqual([expect.stringContaining(line)]);
});

test('a wish that is no text skips the Service', () => {
  const { service, lines } = annotated({ 'kube-ipvs.io/share-key': 5 });
  expect(service).toBeUndefined();
  expect(lines[0]).toContain('metadata.annotations[kube-ipvs.io/share-key] (5): must be a string');
});
