import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { formatYamlText } from '../../../../src/config/yamlText.ts';
import {
  ipAddressPool,
  l2Advertisement,
  poolsOfMetallb,
} from '../../../../src/config/loadBalancer/metallb.ts';
import type { Pool } from '../../../../src/config/loadBalancer/settings.ts';
import { writeRange } from '../../../../src/net/addressRange.ts';
import { LB_HEAD, readLoadBalancer } from '../../../support/configuration/loadBalancerDocuments.ts';

interface Spec {
  readonly [field: string]: unknown;
}

const object = (kind: string, name: string, spec: Spec | undefined, labels?: object) => ({
  apiVersion: 'metallb.io/v1beta1',
  kind,
  metadata: { name, namespace: 'metallb-system', ...(labels && { labels }) },
  ...(spec && { spec }),
});
const pool = (name: string, spec: Spec = {}, labels?: object) =>
  object('IPAddressPool', name, { addresses: [], ...spec }, labels);
const advertisement = (name: string, spec?: Spec) => object('L2Advertisement', name, spec);
const everywhere = advertisement('all');

const read = (...objects: readonly object[]) =>
  readLoadBalancer(objects.map((each) => formatYamlText(each)).join('---\n'));
const readPools = (...objects: readonly object[]) => {
  const { settings, problems } = read(...objects);
  expect(problems).toEqual([]);
  return settings!.pools;
};
const ANYWHERE = { nodeSelectors: [], serviceSelectors: [], interfaces: [], preferredNodes: [] };

test('a pool has the defaults of MetalLB, and those of ours beside it', () => {
  const { settings, problems, remarks } = read(
    pool('lan', {
      addresses: ['192.168.10.0/24', '192.168.9.1 - 192.168.9.5', 'fc00:f853:ccd:e799::/124'],
    }),
    everywhere,
  );
  expect([problems, remarks]).toEqual([[], []]);
  const [{ ranges, ...lan }] = settings!.pools as readonly [Pool];
  expect(ranges.map(writeRange)).toEqual([
    '192.168.10.0/24',
    '192.168.9.1-192.168.9.5',
    'fc00:f853:ccd:e799::/124',
  ]);
  expect(lan).toEqual({
    name: 'lan',
    autoAssign: true,
    draining: false,
    skipZeroAnd255: false,
    priority: undefined,
    namespaces: undefined,
    namespaceSelectors: undefined,
    serviceSelectors: undefined,
    announce: [ANYWHERE],
  });
  expect(settings).toMatchObject({
    loadBalancerClass: 'kube-ipvs.io/l2',
    announcer: { heartbeat: { secretFile: '/etc/kube-ipvs/lb/key' } },
  });
});

test('what restricts a pool of MetalLB restricts ours', () => {
  const selectors = [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['bar'] }] }];
  const [lan] = readPools(
    everywhere,
    pool('lan', {
      autoAssign: false,
      avoidBuggyIPs: true,
      serviceAllocation: {
        priority: 50,
        namespaces: ['namespace-a'],
        namespaceSelectors: [{ matchLabels: { foo: 'bar' } }],
        serviceSelectors: selectors,
      },
    }),
  );
  expect(lan).toMatchObject({
    autoAssign: false,
    skipZeroAnd255: true,
    priority: 50,
    namespaces: ['namespace-a'],
    namespaceSelectors: [{ matchLabels: { foo: 'bar' } }],
    serviceSelectors: selectors,
  });
});

test.each([
  {},
  { priority: 0 },
  { namespaces: [], namespaceSelectors: [], serviceSelectors: null },
])('an allocation that says nothing restricts nobody: %j', (serviceAllocation) => {
  const [lan] = readPools(everywhere, pool('lan', { serviceAllocation }));
  expect(lan).toMatchObject({ priority: undefined, namespaces: undefined });
  expect(lan).toMatchObject({ namespaceSelectors: undefined, serviceSelectors: undefined });
});

test('pools come by name, behind those of our own document', () => {
  const own = `${LB_HEAD}pools: [{ name: z, addresses: [] }, { name: m, addresses: [] }]\n---\n`;
  const objects = [pool('b'), everywhere, pool('a'), pool('c')].map((each) => formatYamlText(each));
  const { settings } = readLoadBalancer(own + objects.join('---\n'));
  expect(settings!.pools.map(({ name }) => name)).toEqual(['z', 'm', 'a', 'b', 'c']);
  expect(settings!.pools[0]!.announce).toEqual([ANYWHERE]);
});

test('an advertisement is an entry of the pools that it names or selects, once, or of all', () => {
  const pools = readPools(
    pool('east-1', {}, { zone: 'east' }),
    pool('east-2', {}, { zone: 'east' }),
    pool('west', {}, { zone: 'west' }),
    advertisement('b', {
      ipAddressPools: ['east-1', 'west'],
      ipAddressPoolSelectors: [
        { matchLabels: { zone: 'east' } },
        { matchExpressions: [{ key: 'zone', operator: 'Exists' }] },
      ],
      interfaces: ['eth1'],
    }),
    advertisement('c', { ipAddressPools: ['west'], interfaces: ['eth2'] }),
    advertisement('a', { ipAddressPools: null, interfaces: ['eth0'] }),
  );
  expect(
    pools.map(({ name, announce }) => [name, announce.flatMap(({ interfaces }) => interfaces)]),
  ).toEqual([
    ['east-1', ['eth0', 'eth1']],
    ['east-2', ['eth0', 'eth1']],
    ['west', ['eth0', 'eth1', 'eth2']],
  ]);
});

test('an advertisement says by whom and where, and what fits everything is no restriction', () => {
  const [lan] = readPools(
    pool('lan'),
    advertisement('ad', {
      nodeSelectors: [{ matchLabels: { 'kubernetes.io/hostname': 'NodeA' } }],
      serviceSelectors: [{ matchLabels: { app: 'a' } }, {}],
      interfaces: ['eth0', 'odd*'],
      preferredNodeSelectors: [{ weight: 7, preference: { matchLabels: { rack: '1' } } }],
    }),
  );
  expect(lan!.announce).toEqual([
    {
      nodeSelectors: [{ matchLabels: { 'kubernetes.io/hostname': 'NodeA' } }],
      serviceSelectors: [],
      interfaces: ['eth0', String.raw`odd\*`],
      preferredNodes: [{ weight: 7, selector: { matchLabels: { rack: '1' } } }],
    },
  ]);
});

test('a pool that no advertisement is about is given out, not announced, and told', () => {
  const { settings, problems, remarks } = read(
    pool('lan'),
    pool('wan', { serviceAllocation: { priority: -3 } }),
    advertisement('ad', { ipAddressPools: ['lan'] }),
  );
  expect(problems).toEqual([]);
  expect(settings!.pools.map(({ announce }) => announce.length)).toEqual([1, 0]);
  expect(remarks).toEqual([
    expect.stringMatching(
      /^f\.yaml:9:1: IPAddressPool\/metallb-system\/wan: no L2Advertisement here names or selects it: .*not announced/,
    ),
    'f.yaml:17:5: IPAddressPool/metallb-system/wan.spec.serviceAllocation.priority (-3): is below 0: the pool comes after all that have a priority from 1',
  ]);
});

test('an advertisement of pools that are not here is told', () => {
  const { remarks, settings } = read(
    pool('lan'),
    advertisement('a', { ipAddressPools: ['lan', 'gone'] }),
    advertisement('b', { ipAddressPoolSelectors: [{ matchLabels: { zone: 'x' } }] }),
  );
  expect(settings!.pools[0]!.announce).toHaveLength(1);
  expect(remarks).toEqual([
    'f.yaml:17:7: L2Advertisement/metallb-system/a.spec.ipAddressPools[1] ("gone"): there is no IPAddressPool of that name here',
    'f.yaml:19:1: L2Advertisement/metallb-system/b: selects none of the pools here: nothing is announced because of it',
  ]);
});

test.each([
  ['metallb.io/v1beta1', 'BGPAdvertisement'],
  ['metallb.io/v1beta1', 'BGPPeer'],
  ['metallb.io/v1beta2', 'BGPPeer'],
  ['metallb.io/v1beta1', 'BFDProfile'],
  ['metallb.io/v1beta1', 'Community'],
])('%s %s is told not to be carried, and no error whatever is in it', (apiVersion, kind) => {
  const bgp = { ...object(kind, 'x', { myASN: -1, anything: [] }), apiVersion };
  const { settings, problems, remarks } = read(bgp);
  expect([settings, problems]).toEqual([undefined, []]);
  expect(remarks).toEqual([
    `f.yaml:1:1: ${kind}/metallb-system/x: is not carried: addresses are announced by ARP and Neighbor Discovery alone`,
  ]);
});

test('what the API server adds, and fields that are not known, pass', () => {
  const live = pool('lan', { addresses: ['10.0.0.1/32'], futureField: { a: 1 } });
  const { problems, remarks } = read(
    {
      ...live,
      metadata: { ...live.metadata, uid: '0', managedFields: [{ manager: 'kubectl' }] },
      status: { assignedIPv4: 3, availableIPv4: 0 },
    },
    everywhere,
  );
  expect([problems, remarks]).toEqual([[], []]);
});

const RANGE = 'must be a prefix (192.0.2.64/27), a range (192.0.2.100-192.0.2.120) or an address';

test.each([
  [
    pool('lan', { addresses: ['10.0.0.9-10.0.0.1'] }),
    'IPAddressPool/metallb-system/lan.spec.addresses[0] ("10.0.0.9-10.0.0.1"): ends before it begins',
  ],
  [
    pool('lan', { addresses: ['lan'] }),
    `IPAddressPool/metallb-system/lan.spec.addresses[0] ("lan"): ${RANGE}`,
  ],
  [
    object('IPAddressPool', 'lan', {}),
    'IPAddressPool/metallb-system/lan.spec.addresses: must be given',
  ],
  [
    object('IPAddressPool', 'lan', undefined),
    'IPAddressPool/metallb-system/lan.spec: must be given',
  ],
  [
    pool('a.b'),
    'IPAddressPool/metallb-system/a.b.metadata.name ("a.b"): must be a DNS label: 1 to 63 small letters, digits and dashes, no dash at either end',
  ],
  [
    pool('lan', { autoAssign: 'yes' }),
    'IPAddressPool/metallb-system/lan.spec.autoAssign ("yes"): must be true or false',
  ],
  [
    pool('lan', { serviceAllocation: { priority: 1.5 } }),
    'IPAddressPool/metallb-system/lan.spec.serviceAllocation.priority (1.5): must be a whole number from -2147483647 to 2147483647',
  ],
  [
    pool('lan', { serviceAllocation: { serviceSelectors: [{ matchLabel: { a: 'b' } }] } }),
    'IPAddressPool/metallb-system/lan.spec.serviceAllocation.serviceSelectors[0].matchLabel ({"a":"b"}): unknown field (did you mean matchLabels?)',
  ],
  [
    advertisement('ad', { interfaces: ['eth0/1'] }),
    'L2Advertisement/metallb-system/ad.spec.interfaces[0] ("eth0/1"): must be the name of a network interface',
  ],
  [
    advertisement('ad', { preferredNodeSelectors: [{ weight: 0, preference: {} }] }),
    'L2Advertisement/metallb-system/ad.spec.preferredNodeSelectors[0].weight (0): must be a whole number from 1 to 100',
  ],
  [
    advertisement('ad', { preferredNodeSelectors: [{ weight: 1 }] }),
    'L2Advertisement/metallb-system/ad.spec.preferredNodeSelectors[0].preference: must be given',
  ],
  [
    { apiVersion: 'metallb.io/v1beta1', kind: 'L2Advertisement' },
    'L2Advertisement.metadata: must be given',
  ],
  [
    { ...pool('lan'), apiVersion: 'metallb.io/v1beta2' },
    'apiVersion ("metallb.io/v1beta2"): must be metallb.io/v1beta1 for a IPAddressPool',
  ],
])('%j is refused: %s', (wrong, problem) => {
  const { problems } = read(wrong);
  expect(problems.map((each) => each.replace(/^f\.yaml:\d+:\d+: /, ''))).toEqual([problem]);
});

test('addresses of two objects that are the same, or of one of ours, are refused with both places', () => {
  const own = `${LB_HEAD}pools: [{ name: lan, addresses: [10.0.0.5] }]\n---\n`;
  const objects = [pool('lan', { addresses: ['10.0.0.0/24'] }), everywhere];
  expect(
    readLoadBalancer(own + objects.map((each) => formatYamlText(each)).join('---\n')).problems,
  ).toEqual([
    'f.yaml:8:3: IPAddressPool/metallb-system/lan.metadata.name ("lan"): is already the name of the pool at f.yaml:3:11 (LoadBalancerConfiguration.pools[0].name); give each its own',
    'f.yaml:12:7: IPAddressPool/metallb-system/lan.spec.addresses[0] ("10.0.0.0/24"): has addresses of 10.0.0.5 at f.yaml:3:34 (LoadBalancerConfiguration.pools[0].addresses[0]); each may be in one place only',
  ]);
});

test('the List that kubectl prints is read, and problems have the place in it', () => {
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [pool('lan', { addresses: ['10.0.0.1', '10.0.0.1'] }), everywhere],
  };
  expect(read(list).problems).toEqual([
    'f.yaml:12:11: IPAddressPool/metallb-system/lan.spec.addresses[1] ("10.0.0.1"): has addresses of 10.0.0.1 at f.yaml:11:11 (IPAddressPool/metallb-system/lan.spec.addresses[0]); each may be in one place only',
  ]);
});

test('ten thousand pools that one advertisement names are put together', () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `p${i}`);
  const placed = <Value>(value: Value) => ({ value, title: 'x', placeOf: () => undefined });
  const { pools, remarks } = poolsOfMetallb(
    names.map((name) => placed(v.parse(ipAddressPool, pool(name)))),
    [placed(v.parse(l2Advertisement, advertisement('ad', { ipAddressPools: names })))],
  );
  expect(remarks).toEqual([]);
  expect(pools.every(({ pool: { announce } }) => announce.length === 1)).toBe(true);
});
