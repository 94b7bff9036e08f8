/**
 * Whose an address is: the table of src/desired/addressOwner.ts, also when the owner comes later
 * and goes again.
 */
import { describe, expect, test } from '@jest/globals';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { DesiredCluster } from '../../support/objects/desiredCluster.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';

const ADDRESS = '203.0.113.7';
const SERVER = `${ADDRESS}:80/TCP`;

type Kind = 'clusterIP' | 'loadBalancer' | 'externalIP';

const asking = {
  clusterIP: { clusterIPs: [ADDRESS] },
  loadBalancer: { loadBalancerIngress: [{ ip: ADDRESS, ipMode: 'VIP' }] },
  externalIP: { externalIPs: [ADDRESS] },
} as const;

const othersClusterIP = { clusterIPs: ['10.96.0.99'] };

/** What can make an address somebody's, and what takes that back. */
const owners: Record<string, (cluster: DesiredCluster, isThere: boolean) => unknown> = {
  'this node, by an interface': ({ builder }, isThere) => {
    const eth1 = { name: 'eth1', isUp: true, addresses: [`${ADDRESS}/24`] };
    const { interfaces } = hostNetwork();
    builder.setHost(hostNetwork({ interfaces: isThere ? [...interfaces, eth1] : interfaces }));
  },
  "this node, by its Node's status": (cluster, isThere) =>
    cluster.node('node-1', { addresses: isThere ? [ADDRESS] : [] }),
  'the default gateway': ({ builder }, isThere) =>
    builder.setHost(hostNetwork({ defaultGateways: isThere ? [ADDRESS] : [] })),
  'another node, by InternalIP': (cluster, isThere) =>
    cluster.node('node-2', { addresses: isThere ? [ADDRESS] : [] }),
  'another node, by ExternalIP': (cluster, isThere) =>
    cluster.node('node-2', { addresses: isThere ? [ADDRESS] : [], externalAddresses: [ADDRESS] }),
  'the API server': ({ builder }, isThere) =>
    builder.setHost(hostNetwork({ apiServerAddresses: isThere ? [ADDRESS] : [] })),
  "pods, by a Node's range": (cluster, isThere) =>
    cluster.node('node-2', { podCIDRs: isThere ? ['203.0.113.0/28', '10.244.2.0/24'] : [] }),
  "a Pod, another Service's endpoint": (cluster, isThere) =>
    cluster
      .service('other', othersClusterIP)
      .slice('other', isThere ? [`${ADDRESS}@node-2`] : ['10.244.2.5@node-2']),
  "an address that is another Service's endpoint by hand": (cluster, isThere) =>
    cluster.service('other', othersClusterIP).slice('other', isThere ? [ADDRESS] : []),
  'another Service, as its cluster IP': (cluster, isThere) =>
    cluster.service('other', { clusterIPs: [isThere ? ADDRESS : '10.96.0.99'], ports: [] }),
};

const fate = ({ builder }: DesiredCluster) => {
  const isServed = builder.state.virtualServers.get(SERVER)?.service === 'default/web';
  const isBound = builder.state.addresses.has(ADDRESS);
  const isTold = builder.problems.all().some(({ path }) => path.startsWith('Service/default/web.'));
  const words = [isServed && 'served', isBound && 'bound', isTold && 'told'];
  return words.filter((word) => word !== false).join(', ') || 'nothing';
};

const ALL = 'served, bound';

test.each<[string, Record<Kind, string>]>([
  [
    'this node, by an interface',
    { clusterIP: 'served, told', loadBalancer: 'served, told', externalIP: 'served, told' },
  ],
  [
    "this node, by its Node's status",
    { clusterIP: ALL, loadBalancer: 'served, told', externalIP: 'served, told' },
  ],
  ['the default gateway', { clusterIP: 'served, told', loadBalancer: 'told', externalIP: 'told' }],
  ['another node, by InternalIP', { clusterIP: ALL, loadBalancer: 'told', externalIP: 'told' }],
  [
    'another node, by ExternalIP',
    { clusterIP: ALL, loadBalancer: 'served, bound, told', externalIP: 'told' },
  ],
  ['the API server', { clusterIP: ALL, loadBalancer: 'told', externalIP: 'told' }],
  ["pods, by a Node's range", { clusterIP: ALL, loadBalancer: 'told', externalIP: 'told' }],
  [
    "a Pod, another Service's endpoint",
    { clusterIP: ALL, loadBalancer: 'served, bound, told', externalIP: 'told' },
  ],
  [
    "an address that is another Service's endpoint by hand",
    { clusterIP: ALL, loadBalancer: ALL, externalIP: ALL },
  ],
  ['another Service, as its cluster IP', { clusterIP: ALL, loadBalancer: ALL, externalIP: 'told' }],
])('an address of %s', (owner, expected) => {
  for (const kind of ['clusterIP', 'loadBalancer', 'externalIP'] as const) {
    const cluster = new DesiredCluster();
    const step = (act: () => unknown) => {
      act();
      cluster.builder.settle();
      return fate(cluster);
    };
    const own = () => owners[owner]!(cluster, true);
    const disown = () => owners[owner]!(cluster, false);
    const ask = () => cluster.service('web', asking[kind]).slice('web', ['10.244.1.5@node-1']);
    const found = [
      step(() => (own(), ask())),
      step(disown),
      step(own),
      step(() => (cluster.remove('web').builder.settle(), ask())),
    ];
    expect([kind, ...found]).toEqual([kind, expected[kind], ALL, expected[kind], expected[kind]]);
  }
});

test('a status cannot switch cluster IPs off, on other nodes or its own', () => {
  const cluster = new DesiredCluster();
  cluster.service('dns', { clusterIPs: ['10.96.0.10'] }).slice('dns', ['10.244.1.5@node-1']);
  cluster.service('kubernetes', { clusterIPs: ['10.96.0.1'] });
  for (const name of ['node-1', 'node-2', 'node-3']) {
    cluster.node(name, {
      addresses: ['10.96.0.10', '10.96.0.1'],
      externalAddresses: ['10.96.0.1'],
    });
  }
  cluster.builder.settle();
  expect([...cluster.builder.state.addresses]).toEqual(['10.96.0.10', '10.96.0.1']);
  expect(cluster.destinations('10.96.0.10:80/TCP')).toEqual(['10.244.1.5:8080']);
  expect(cluster.builder.problems.all()).toEqual([]);
});

test('of two Nodes with an address the first by name is said to have it, an InternalIP first', () => {
  const cluster = new DesiredCluster().service('web', { externalIPs: [ADDRESS] });
  cluster.node('node-2', { addresses: [ADDRESS], externalAddresses: [ADDRESS] });
  cluster.node('node-4', { addresses: [ADDRESS] }).node('node-3', { addresses: [ADDRESS] });
  cluster.builder.settle();
  expect(cluster.builder.problems.all()[0]?.problem).toMatch(/^belongs to node node-3$/);
});

describe("the detector's prefix stands for the pods' ranges", () => {
  const detector = (text: string) => ({
    detectLocal: {
      IPv4: { kind: 'prefix' as const, prefix: parsePrefix(text)! },
      IPv6: { kind: 'none' as const },
    },
  });

  test('for externalIPs, until a Node says where pods are', () => {
    const cluster = new DesiredCluster({}, detector('203.0.113.0/24'));
    cluster.service('web', asking.externalIP);
    cluster.service('balanced', { ...asking.loadBalancer, clusterIPs: ['10.96.0.11'] });
    cluster.builder.settle();
    expect(cluster.builder.state.virtualServers.get(SERVER)?.service).toBe('default/balanced');
    expect(cluster.builder.problems.all()).toEqual([
      {
        path: 'Service/default/web.spec.externalIPs[0]',
        value: ADDRESS,
        problem: "belongs to the pods in 203.0.113.0/24, the range of this cluster's pods",
        consequence: 'AddressNotServed',
      },
    ]);
    cluster
      .remove('balanced')
      .node('node-2', { podCIDRs: ['10.244.2.0/24'] })
      .builder.settle();
    expect(fate(cluster)).toBe(ALL);
    cluster.node('node-2').builder.settle();
    expect(fate(cluster)).toBe('told');
  });

  test('unless it holds every address', () => {
    const cluster = new DesiredCluster({}, detector('0.0.0.0/0'));
    cluster.service('web', asking.externalIP).builder.settle();
    expect(fate(cluster)).toBe(ALL);
  });
});

test('an externalIP that is an endpoint of its own Service is no other one’s', () => {
  const cluster = new DesiredCluster().service('web', asking.externalIP);
  cluster.slice('web', [`${ADDRESS}@node-2`, '10.244.2.5@node-2']).builder.settle();
  expect(cluster.destinations(SERVER)).toEqual(['10.244.2.5:8080']);
});

test('a slice that moves to another Service takes its endpoints along', () => {
  const cluster = new DesiredCluster().service('web', asking.externalIP);
  cluster
    .service('other', othersClusterIP)
    .slice('other', [`${ADDRESS}@node-2`])
    .builder.settle();
  expect(fate(cluster)).toBe('told');
  const endpoint = { address: ADDRESS, nodeName: 'node-2', index: 0 };
  cluster.put({
    kind: 'EndpointSlice',
    key: 'default/other-1',
    object: {
      namespace: 'default',
      name: 'other-1',
      service: 'default/web',
      addressType: 'IPv4',
      ports: [{ name: '', protocol: 'TCP', port: 8080 }],
      endpoints: [{ ...endpoint, isReady: true, isServing: true, isTerminating: false }],
    },
  });
  cluster.builder.settle();
  expect(cluster.builder.state.virtualServers.get(SERVER)?.service).toBe('default/web');
});

test('an endpoint in two slices is one until it has left both', () => {
  const cluster = new DesiredCluster().service('web', asking.externalIP);
  cluster.service('other', othersClusterIP).service('third', { clusterIPs: ['10.96.0.98'] });
  cluster.slice('other', [`${ADDRESS}@node-2`]).slice('third', [`${ADDRESS}@node-2`]);
  cluster.builder.settle();
  expect(cluster.builder.problems.all()[0]?.problem).toMatch(/endpoint of Service default\/other$/);
  cluster.slice('other', []).builder.settle();
  expect(cluster.builder.problems.all()[0]?.problem).toMatch(/endpoint of Service default\/third$/);
  cluster.slice('third', []).builder.settle();
  expect(fate(cluster)).toBe(ALL);
});

// mutation-1: two Services share an address, one goes, then a Node gets that address
test('of two Services with one address the one that stays is still found by it', () => {
  const cluster = new DesiredCluster().service('web', asking.externalIP);
  cluster.service('other', { ...asking.externalIP, ...othersClusterIP }).builder.settle();
  cluster.remove('other').builder.settle();
  cluster.node('node-2', { addresses: [ADDRESS] }).builder.settle();
  expect(fate(cluster)).toBe('told');
});
