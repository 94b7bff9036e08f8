import { expect, test } from '@jest/globals';
import { isUntouched } from '../../../src/dataplane/touched.ts';
import { DesiredCluster as Cluster } from '../../support/objects/desiredCluster.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

const nodePort = [{ name: '', protocol: 'TCP' as const, port: 80, nodePort: 30080, index: 0 }];

test('an endpoint change touches the virtual servers of its Service and nothing else', () => {
  const cluster = new Cluster().service('web').slice('web', ['10.244.2.5@node-2']);
  cluster.service('other', { clusterIPs: ['10.96.0.11'] });
  cluster.builder.settle();
  cluster.slice('web', ['10.244.2.5@node-2', '10.244.2.6@node-2']);
  expect(cluster.touched()).toEqual({ servers: ['10.96.0.10:80/TCP'], addresses: [], entries: {} });
  expect(cluster.destinations('10.96.0.10:80/TCP')).toEqual(['10.244.2.5:8080', '10.244.2.6:8080']);
});

test('all addresses of a port share one list of destinations, unless their policies differ', () => {
  const web = { ports: nodePort, externalIPs: ['80.11.12.10'] };
  const cluster = new Cluster().service('web', web);
  cluster.slice('web', ['10.244.1.5@node-1', '10.244.2.5@node-2']).builder.settle();
  const listOf = (key: string) => cluster.builder.state.virtualServers.get(key)!.destinations;
  const external = ['80.11.12.10:80/TCP', '192.168.0.1:30080/TCP'];
  for (const key of external) expect(listOf(key)).toBe(listOf('10.96.0.10:80/TCP'));
  cluster.service('web', { ...web, externalTrafficPolicy: 'Local' }).builder.settle();
  expect(listOf(external[0]!)).toBe(listOf(external[1]!));
  expect([...listOf(external[0]!).keys()]).toEqual(['10.244.1.5:8080']);
  expect(listOf('10.96.0.10:80/TCP').size).toBe(2);
});

test('the node’s own name decides anew which endpoints are local', () => {
  const cluster = new Cluster().service('web', { externalIPs: ['80.11.12.10'] });
  cluster.slice('web', ['10.244.1.5@node-1', '10.244.2.5@node-2']);
  const { builder } = cluster;
  const other = { namespace: 'default', name: 'web-2', service: 'default/web' };
  const object = { ...other, addressType: 'IPv4' as const, ports: [], endpoints: [] };
  cluster.put({ kind: 'EndpointSlice', key: 'default/web-2', object });
  builder.settle();
  expect(cluster.entries('KUBE-LOOP-BACK')).toEqual(['10.244.1.5,tcp:8080,10.244.1.5']);
  builder.setHost(hostNetwork({ nodeName: 'node-2' }));
  builder.settle();
  expect(cluster.entries('KUBE-LOOP-BACK')).toEqual(['10.244.2.5,tcp:8080,10.244.2.5']);
});

test('a change that changes nothing touches nothing', () => {
  const cluster = new Cluster().service('web').slice('web', ['10.244.2.5@node-2']).node('node-2');
  cluster.builder.settle();
  cluster.service('web').slice('web', ['10.244.2.5@node-2']).node('node-2');
  expect(isUntouched(cluster.builder.settle())).toBe(true);
});

test('the first endpoint takes the frontend out of the set of refused ones, the last puts it back', () => {
  const cluster = new Cluster().service('web');
  cluster.builder.settle();
  expect(cluster.entries('KUBE-IPVS-REJECT')).toEqual(['10.96.0.10,tcp:80']);
  cluster.slice('web', ['10.244.2.5@node-2']);
  expect(cluster.touched().entries).toEqual({ 'KUBE-IPVS-REJECT': ['10.96.0.10,tcp:80'] });
  expect(cluster.entries('KUBE-IPVS-REJECT')).toEqual([]);
  cluster.slice('web', []).builder.settle();
  expect(cluster.entries('KUBE-IPVS-REJECT')).toEqual(['10.96.0.10,tcp:80']);
});

test('an address stays bound while any port needs it (kubernetes issue 65263)', () => {
  const shared = { externalIPs: ['80.11.12.10'] };
  const https = [{ name: '', protocol: 'TCP' as const, port: 443, nodePort: 0, index: 0 }];
  const cluster = new Cluster().service('web', shared);
  cluster.service('tls', { ...shared, clusterIPs: ['10.96.0.11'], ports: https });
  cluster.builder.settle();
  cluster.remove('web');
  expect(cluster.touched()).toMatchObject({ addresses: ['10.96.0.10'] });
  expect([...cluster.builder.state.addresses]).toContain('80.11.12.10');
  cluster.remove('tls').builder.settle();
  expect(cluster.builder.state.addresses.size).toBe(0);
  expect(cluster.builder.state.virtualServers.size).toBe(0);
});

test('nothing is left of a Service that is gone', () => {
  const cluster = new Cluster();
  const before = JSON.stringify(
    [...cluster.builder.state.ipsets.values()].map(({ entries }) => [...entries]),
  );
  cluster
    .service('web', {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31_000,
      loadBalancerIngress: [{ ip: '80.11.12.20', ipMode: 'VIP' }],
      sourceRanges: ['10.0.0.0/8'],
      ports: nodePort,
    })
    .slice('web', ['10.244.1.5@node-1'])
    .builder.settle();
  cluster.remove('web').builder.settle();
  const { ipsets, addresses, virtualServers } = cluster.builder.state;
  expect(JSON.stringify([...ipsets.values()].map(({ entries }) => [...entries]))).toBe(before);
  expect([addresses.size, virtualServers.size]).toEqual([0, 0]);
});

test('of two Services with one address and port the older is served; the other takes over when it goes', () => {
  const cluster = new Cluster()
    .service('young', { createdAt: '2025-01-01T00:00:00Z' })
    .slice('young', ['10.244.2.1@node-2'])
    .service('old', { createdAt: '2024-01-01T00:00:00Z' })
    .slice('old', ['10.244.2.2@node-2']);
  cluster.builder.settle();
  expect(cluster.destinations('10.96.0.10:80/TCP')).toEqual(['10.244.2.2:8080']);
  expect(cluster.builder.problems.all()).toEqual([
    {
      path: 'Service/default/young.spec.clusterIPs[0]',
      value: '10.96.0.10:80/TCP',
      problem: 'belongs to Service default/old, which is older',
      consequence: 'AddressTaken',
    },
  ]);
  expect(cluster.builder.service('default/young')!.frontends[0]).toMatchObject({
    takenBy: 'default/old',
  });
  cluster.remove('old');
  expect(cluster.touched()).toEqual({ servers: ['10.96.0.10:80/TCP'], addresses: [], entries: {} });
  expect(cluster.destinations('10.96.0.10:80/TCP')).toEqual(['10.244.2.1:8080']);
  expect(cluster.builder.problems.all()).toEqual([]);
});

test('an older Service that comes later takes the address over; equal ages go by name', () => {
  const cluster = new Cluster().service('b').slice('b', ['10.244.2.1@node-2']);
  cluster.builder.settle();
  cluster.service('a').slice('a', ['10.244.2.2@node-2']).builder.settle();
  expect(cluster.destinations('10.96.0.10:80/TCP')).toEqual(['10.244.2.2:8080']);
});

test('an externalIP is given up when a Node with that address appears, and served again when it goes', () => {
  const cluster = new Cluster().service('web', { externalIPs: ['192.168.0.7'] });
  cluster.builder.settle();
  expect([...cluster.builder.state.addresses]).toContain('192.168.0.7');
  cluster.node('node-7', { addresses: ['192.168.0.7'] });
  expect(cluster.touched()).toMatchObject({
    servers: ['192.168.0.7:80/TCP'],
    addresses: ['192.168.0.7'],
  });
  expect(cluster.builder.problems.all()[0]).toMatchObject({
    path: 'Service/default/web.spec.externalIPs[0]',
    value: '192.168.0.7',
  });
  cluster.put({ kind: 'Node', key: 'node-7', object: undefined });
  cluster.builder.settle();
  expect([...cluster.builder.state.addresses]).toContain('192.168.0.7');
  expect(cluster.builder.problems.all()).toEqual([]);
});

test("the address of the API server is refused to users and left to Kubernetes' own Service", () => {
  const cluster = new Cluster({ apiServerAddresses: ['10.96.0.1', '192.168.0.250'] });
  cluster.service('kubernetes', { clusterIPs: ['10.96.0.1'] });
  cluster.service('web', { externalIPs: ['192.168.0.250'] });
  cluster.builder.settle();
  expect([...cluster.builder.state.addresses].toSorted()).toEqual(['10.96.0.1', '10.96.0.10']);
  expect(cluster.builder.problems.all().map(({ value }) => value)).toEqual(['192.168.0.250']);
});

test('an address that comes to an interface gets the NodePorts at once, and no Service without any is touched', () => {
  const cluster = new Cluster()
    .service('web', { ports: nodePort })
    .service('plain', { clusterIPs: ['10.96.0.11'] });
  cluster.builder.settle();
  const eth1 = { name: 'eth1', isUp: true, addresses: ['172.31.0.1/24'] };
  cluster.builder.setHost(hostNetwork({ interfaces: [...hostNetwork().interfaces, eth1] }));
  expect(cluster.touched()).toEqual({
    servers: ['172.31.0.1:30080/TCP'],
    addresses: [],
    entries: { 'KUBE-IPVS-REJECT': ['172.31.0.1,tcp:30080'] },
  });
});

test('a bound address that turns up on an interface is let go, and its virtual server stays', () => {
  const cluster = new Cluster().service('web', { externalIPs: ['80.11.12.10'] });
  cluster.builder.settle();
  const eth1 = { name: 'eth1', isUp: true, addresses: ['80.11.12.10/24'] };
  cluster.builder.setHost(hostNetwork({ interfaces: [...hostNetwork().interfaces, eth1] }));
  expect(cluster.touched()).toEqual({
    servers: [],
    addresses: ['80.11.12.10'],
    entries: { 'KUBE-IPVS-IPS': ['80.11.12.10'] },
  });
  expect(cluster.builder.state.virtualServers.has('80.11.12.10:80/TCP')).toBe(true);
});

test('the zone of this Node matters to Services with hints', () => {
  const hinted = { hintZones: ['zone-a'] };
  const cluster = new Cluster().service('web').node('node-1', { zone: 'zone-b' });
  cluster.slice('web', ['10.244.1.5@node-1', '10.244.2.5@node-2'], hinted);
  const other = {
    namespace: 'default',
    name: 'web-2',
    service: 'default/web',
    addressType: 'IPv4' as const,
  };
  cluster.put({
    kind: 'EndpointSlice',
    key: 'default/web-2',
    object: {
      ...other,
      ports: [{ name: '', protocol: 'TCP', port: 8080 }],
      endpoints: [
        {
          address: '10.244.2.6',
          index: 0,
          isReady: true,
          isServing: true,
          isTerminating: false,
          hintZones: ['zone-b'],
        },
      ],
    },
  });
  cluster.builder.settle();
  expect(cluster.destinations('10.96.0.10:80/TCP')).toEqual(['10.244.2.6:8080']);
  cluster.node('node-1', { zone: 'zone-a' }).builder.settle();
  expect(cluster.destinations('10.96.0.10:80/TCP')).toEqual(['10.244.1.5:8080', '10.244.2.5:8080']);
});

test("this Node's address decides whether source ranges admit the node", () => {
  const cluster = new Cluster()
    .node('node-1', { addresses: ['192.168.0.1'] })
    .service('web', {
      type: 'LoadBalancer',
      loadBalancerIngress: [{ ip: '80.11.12.20', ipMode: 'VIP' }],
      sourceRanges: ['172.16.0.0/12'],
    })
    .slice('web', ['10.244.2.5@node-2']);
  cluster.builder.settle();
  expect(cluster.entries('KUBE-LOAD-BALANCER-OUT-DENY')).toEqual([
    '80.11.12.20,tcp:8080,10.244.2.5',
  ]);
  cluster.node('node-1', { addresses: ['172.16.0.1'] }).builder.settle();
  expect(cluster.entries('KUBE-LOAD-BALANCER-OUT-DENY')).toEqual([]);
  expect(cluster.entries('KUBE-LOAD-BALANCER-SOURCE-IP')).toEqual([
    '80.11.12.20,tcp:80,80.11.12.20',
  ]);
});

test("inside are this node's own pods: pod CIDRs of its Node come and go, other Nodes' never come", () => {
  const cluster = new Cluster().node('node-2', { podCIDRs: ['10.244.2.0/24'] });
  cluster.node('node-1', { podCIDRs: ['10.244.1.0/24', '10.244.9.0/24'] });
  expect(cluster.touched().entries).toEqual({
    'KUBE-IPVS-INSIDE': ['10.244.1.0/24', '10.244.9.0/24'],
  });
  cluster.node('node-1', { podCIDRs: ['10.244.1.0/24'] });
  expect(cluster.touched().entries).toEqual({ 'KUBE-IPVS-INSIDE': ['10.244.9.0/24'] });
  expect(cluster.entries('KUBE-IPVS-INSIDE')).toEqual(['10.244.1.0/24']);
  cluster.put({ kind: 'Node', key: 'node-1', object: undefined });
  expect(cluster.touched().entries).toEqual({ 'KUBE-IPVS-INSIDE': ['10.244.1.0/24'] });
});

test('what slices list is told for a virtual server, whatever its conditions, of its own family and protocol', () => {
  const cluster = new Cluster()
    .service('web', { clusterIPs: ['10.96.0.10', 'fd00:96::10'] })
    .slice('web', ['10.244.2.5@node-2', '10.244.2.6@node-2']);
  cluster.builder.settle();
  const { builder } = cluster;
  expect([...builder.listed('10.96.0.10:80/TCP')]).toEqual(['10.244.2.5:8080', '10.244.2.6:8080']);
  expect([...builder.listed('[fd00:96::10]:80/TCP')]).toEqual([]);
  expect([...builder.listed('10.96.0.99:80/TCP')]).toEqual([]);
});

test('a family that leaves takes its servers and sets along, and comes back whole', () => {
  const dual = { clusterIPs: ['10.96.0.10', 'fd00:96::10'] };
  const cluster = new Cluster().service('web', dual).node('node-1', { podCIDRs: ['fd00:2::/64'] });
  cluster.builder.settle();
  cluster.builder.setHost(hostNetwork({ families: ['IPv4'] }));
  cluster.builder.settle();
  const { state } = cluster.builder;
  expect([...state.addresses]).toEqual(['10.96.0.10']);
  expect([...state.ipsets.values()].filter(({ family }) => family === 'IPv6')).toEqual([]);
  cluster.builder.setHost(hostNetwork({ families: ['IPv4', 'IPv6'] }));
  cluster.builder.setHost(hostNetwork({ families: ['IPv4'] }));
  cluster.builder.setHost(hostNetwork({ families: ['IPv4', 'IPv6'] }));
  cluster.builder.settle();
  expect(cluster.entries('KUBE-6-CLUSTER-IP')).toEqual(['fd00:96::10,tcp:80']);
  expect(cluster.entries('KUBE-6-IPVS-INSIDE')).toEqual(['fd00:2::/64']);
});

test('sets declare room to grow (kubernetes issue 129389)', () => {
  const cluster = new Cluster();
  const addresses = Array.from({ length: 250 }, (_, i) => `10.1.${i}`);
  const endpoints = addresses.flatMap((start) =>
    Array.from({ length: 200 }, (_, i) => `${start}.${i + 1}@node-1`),
  );
  cluster.service('huge').slice('huge', endpoints).builder.settle();
  const loopBack = cluster.builder.state.ipsets.get('KUBE-LOOP-BACK')!;
  expect(loopBack.entries.size).toBe(50_000);
  expect(loopBack.maxElements).toBe(131_072);
  expect({ ...loopBack }).toHaveProperty('maxElements', 131_072);
});

test('a Service says why nothing is programmed for it', () => {
  const cluster = new Cluster().service('none', { clusterIPs: ['None'] });
  cluster.builder.settle();
  expect(cluster.builder.service('default/none')).toMatchObject({ ports: [], frontends: [] });
  expect(cluster.builder.service('default/none')!.skipped).toContain('headless');
  expect(cluster.builder.service('default/unknown')).toBeUndefined();
});

test('Services whose Local policy finds nobody here are counted by family and policy', () => {
  const local = { type: 'NodePort', ports: nodePort, externalTrafficPolicy: 'Local' } as const;
  const cluster = new Cluster()
    .service('outside', local)
    .slice('outside', ['10.244.2.5@node-2'])
    .service('inside', { clusterIPs: ['10.96.0.11'], internalTrafficPolicy: 'Local' })
    .slice('inside', ['10.244.2.6@node-2'])
    .service('here', { clusterIPs: ['10.96.0.12'], internalTrafficPolicy: 'Local' })
    .slice('here', ['10.244.1.6@node-1'])
    .service('nobody', { clusterIPs: ['10.96.0.13'], internalTrafficPolicy: 'Local' });
  cluster.builder.settle();
  expect(Object.fromEntries(cluster.builder.problems.localLacks)).toEqual({
    'IPv4 external': 1,
    'IPv4 internal': 1,
  });
});

test('a slice that becomes headless takes its endpoints along, and comes back with them', () => {
  const cluster = new Cluster().service('web').slice('web', ['10.244.1.5@node-1']);
  cluster.builder.settle();
  const key = 'default/web-1';
  const object = cluster.store.objects('EndpointSlice').get(key)!;
  cluster.put({ kind: 'EndpointSlice', key, object: { ...object, isHeadless: true } });
  expect(cluster.touched().servers).toEqual(['10.96.0.10:80/TCP']);
  expect(cluster.destinations('10.96.0.10:80/TCP')).toEqual([]);
  cluster.put({ kind: 'EndpointSlice', key, object }).builder.settle();
  expect(cluster.destinations('10.96.0.10:80/TCP')).toEqual(['10.244.1.5:8080']);
});
