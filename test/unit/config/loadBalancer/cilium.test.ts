import { expect, test } from '@jest/globals';
import { formatYamlText } from '../../../../src/config/yamlText.ts';
import { writeRange } from '../../../../src/net/addressRange.ts';
import { readLoadBalancer } from '../../../support/configuration/loadBalancerDocuments.ts';

interface Spec {
  readonly [field: string]: unknown;
}

const pool = (name: string, spec: Spec = {}, apiVersion = 'cilium.io/v2') => ({
  apiVersion,
  kind: 'CiliumLoadBalancerIPPool',
  metadata: { name },
  spec,
});
const policy = (name: string, spec: Spec = {}) => ({
  apiVersion: 'cilium.io/v2alpha1',
  kind: 'CiliumL2AnnouncementPolicy',
  metadata: { name },
  spec: { loadBalancerIPs: true, ...spec },
});

const read = (...objects: readonly object[]) =>
  readLoadBalancer(objects.map((each) => formatYamlText(each)).join('---\n'));
const readPools = (...objects: readonly object[]) => {
  const { settings, problems, remarks } = read(...objects);
  expect([problems, remarks]).toEqual([[], []]);
  return settings!.pools;
};
const rangesOf = (spec: Spec) =>
  readPools(pool('blue', spec), policy('all'))[0]!.ranges.map(writeRange);
const announceOf = (spec: Spec) => readPools(pool('blue'), policy('p', spec))[0]!.announce;
const ANYWHERE = { nodeSelectors: [], serviceSelectors: [], interfaces: [], preferredNodes: [] };

test.each(['cilium.io/v2', 'cilium.io/v2alpha1'])('a pool of %s is read', (apiVersion) => {
  const spec = {
    blocks: [
      { cidr: '10.0.10.0/24' },
      { cidr: '2004::/64' },
      { start: '20.0.20.100', stop: '20.0.20.200' },
      { start: '1.2.3.4' },
    ],
    disabled: true,
  };
  const [blue] = readPools(pool('blue', spec, apiVersion), policy('all'));
  const { ranges, ...rest } = blue!;
  expect(ranges.map(writeRange)).toEqual([
    '10.0.10.0/24',
    '2004::/64',
    '20.0.20.100-20.0.20.200',
    '1.2.3.4',
  ]);
  expect(rest).toEqual({
    name: 'blue',
    autoAssign: true,
    draining: true,
    skipZeroAnd255: false,
    priority: undefined,
    namespaces: undefined,
    namespaceSelectors: undefined,
    serviceSelectors: undefined,
    announce: [ANYWHERE],
  });
});

test.each([
  ['Yes', '10.0.0.0/29', '10.0.0.0/29'],
  [undefined, '10.0.0.0/29', '10.0.0.0/29'],
  ['', '10.0.0.0/29', '10.0.0.0/29'],
  ['No', '10.0.0.0/29', '10.0.0.1-10.0.0.6'],
  [false, '10.0.0.0/29', '10.0.0.1-10.0.0.6'],
  [true, '10.0.0.0/29', '10.0.0.0/29'],
  ['No', '10.0.0.0/30', '10.0.0.1-10.0.0.2'],
  ['No', '10.0.0.0/31', '10.0.0.0/31'],
  ['No', '10.0.0.7/32', '10.0.0.7'],
  ['No', 'fd00::/126', 'fd00::1-fd00::2'],
  ['No', 'fd00::/127', 'fd00::/127'],
  ['No', 'fd00::/128', 'fd00::'],
  ['No', '::/0', '::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe'],
])('with allowFirstLastIPs %s the block %s is %s', (allowFirstLastIPs, cidr, range) => {
  expect(rangesOf({ allowFirstLastIPs, blocks: [{ cidr }] })).toEqual([range]);
});

test('the ends of a block that is no cidr stay, and the older name of blocks is read', () => {
  const spec = {
    allowFirstLastIPs: 'No',
    cidrs: [{ cidr: '10.0.0.0/30' }],
    blocks: [{ start: '10.0.1.0', stop: '10.0.1.3' }],
  };
  expect(rangesOf(spec)).toEqual(['10.0.0.1-10.0.0.2', '10.0.1.0/30']);
});

test('a selector of Services selects by our names of namespace and name', () => {
  const serviceSelector = {
    matchLabels: { 'io.kubernetes.service.namespace': 'tenant-a', color: 'blue' },
    matchExpressions: [
      { key: 'io.kubernetes.service.name', operator: 'NotIn', values: ['db'] },
      { key: 'tier', operator: 'Exists' },
    ],
  };
  const ours = {
    matchLabels: { 'kube-ipvs.io/namespace': 'tenant-a', color: 'blue' },
    matchExpressions: [
      { key: 'kube-ipvs.io/name', operator: 'NotIn', values: ['db'] },
      { key: 'tier', operator: 'Exists' },
    ],
  };
  const [blue] = readPools(pool('blue', { serviceSelector }), policy('p', { serviceSelector }));
  expect(blue!.serviceSelectors).toEqual([ours]);
  expect(blue!.announce).toEqual([{ ...ANYWHERE, serviceSelectors: [ours] }]);
});

test.each([{}, null, { matchLabels: {} }])('the selector %j restricts nobody', (selector) => {
  const spec = { serviceSelector: selector, nodeSelector: selector };
  const [blue] = readPools(pool('blue', spec), policy('p', spec));
  expect(blue).toMatchObject({ serviceSelectors: undefined, announce: [ANYWHERE] });
});

test('policies are entries of every pool of Cilium, by name', () => {
  const control = {
    matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' }],
  };
  const pools = readPools(
    policy('b', { nodeSelector: control, interfaces: ['^eth[0-9]+'] }),
    pool('red'),
    pool('blue'),
    policy('a', { interfaces: ['^(lan|wan)$', '^lan$', 'bond0'] }),
  );
  const announce = [
    { ...ANYWHERE, interfaces: ['lan', 'wan', '*bond0*'] },
    { ...ANYWHERE, nodeSelectors: [control], interfaces: ['eth[0-9]*'] },
  ];
  expect(pools.map(({ name }) => name)).toEqual(['blue', 'red']);
  for (const each of pools) expect(each.announce).toEqual(announce);
});

test('pools of MetalLB have nothing of the policies, and the two stand by name', () => {
  const { settings } = read(pool('b'), policy('p'), {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name: 'a' },
    spec: { addresses: [] },
  });
  expect(settings!.pools.map(({ name, announce }) => [name, announce.length])).toEqual([
    ['a', 0],
    ['b', 1],
  ]);
});

test('no policy for load balancer addresses: given out, not announced, and told', () => {
  const { settings, problems, remarks } = read(
    pool('blue'),
    policy('p', { loadBalancerIPs: false, externalIPs: true }),
  );
  expect(problems).toEqual([]);
  expect(settings!.pools[0]!.announce).toEqual([]);
  expect(remarks.map((each) => each.replace(/^f\.yaml:\d+:\d+: /, ''))).toEqual([
    'CiliumLoadBalancerIPPool/blue: no CiliumL2AnnouncementPolicy here announces load balancer addresses: those of this pool are given out and not announced by ARP or Neighbor Discovery',
    'CiliumL2AnnouncementPolicy/p.spec.externalIPs (true): external IPs are not announced: give the Services load balancer addresses',
    'CiliumL2AnnouncementPolicy/p.spec.loadBalancerIPs (false): is not set, so nothing is announced because of this policy',
  ]);
});

test('an interface without a glob is left out and told; without any other nothing is announced', () => {
  const unsaid = '^eth[0-9]+$';
  const left = read(pool('blue'), policy('p', { interfaces: [unsaid, '^lan$'] }));
  expect(left.settings!.pools[0]!.announce).toEqual([{ ...ANYWHERE, interfaces: ['lan'] }]);
  expect(left.remarks).toEqual([
    'f.yaml:14:7: CiliumL2AnnouncementPolicy/p.spec.interfaces[0] ("^eth[0-9]+$"): this regular expression cannot be said as globs and is left out; list names or globs',
  ]);
  const none = read(pool('blue'), policy('p', { interfaces: [unsaid] }));
  expect(none.settings!.pools[0]!.announce).toEqual([]);
  expect(none.remarks).toHaveLength(3);
  expect(none.remarks[2]).toMatch(
    /spec\.interfaces: no interface is left, so nothing is announced because of this policy$/,
  );
});

test('an entry without interfaces is for all of them, also when the list is there', () => {
  expect(announceOf({ interfaces: [] })).toEqual([ANYWHERE]);
});

test.each([
  'CiliumBGPClusterConfig',
  'CiliumBGPPeerConfig',
  'CiliumBGPAdvertisement',
  'CiliumBGPPeeringPolicy',
])('%s is told not to be carried', (kind) => {
  const { problems, remarks } = read({ ...pool('x'), apiVersion: 'cilium.io/v2alpha1', kind });
  expect(problems).toEqual([]);
  expect(remarks).toEqual([expect.stringContaining(`${kind}/x: is not carried`)]);
});

test.each([
  [
    pool('blue', { blocks: [{}] }),
    'blocks[0] ({"cidr":"","start":"","stop":""}): must have a cidr, or start and stop',
  ],
  [
    pool('blue', { blocks: [{ stop: '10.0.0.1' }] }),
    'blocks[0] ({"cidr":"","start":"","stop":"10.0.0.1"}): must have a cidr, or start and stop',
  ],
  [
    pool('blue', { blocks: [{ cidr: '10.0.0.1' }] }),
    'blocks[0] ({"cidr":"10.0.0.1","start":"","stop":""}): has a cidr that is none, such as 192.0.2.0/24',
  ],
  [
    pool('blue', { blocks: [{ start: '10.0.0.9', stop: '10.0.0.1' }] }),
    'blocks[0] ({"cidr":"","start":"10.0.0.9","stop":"10.0.0.1"}): from start to stop ends before it begins',
  ],
  [
    pool('blue', { blocks: [{ start: '10.0.0.9', stop: 'fd00::' }] }),
    'blocks[0] ({"cidr":"","start":"10.0.0.9","stop":"fd00::"}): from start to stop begins in one IP family and ends in the other',
  ],
  [
    pool('blue', { blocks: [{ start: '10.0.0.0/8' }] }),
    'blocks[0] ({"cidr":"","start":"10.0.0.0/8","stop":""}): from start to stop must be',
  ],
  [pool('blue', { blocks: [7] }), 'blocks[0] (7): must be an object with cidr, or start and stop'],
  [pool('blue', { allowFirstLastIPs: 'no' }), 'allowFirstLastIPs ("no"): must be "Yes" or "No"'],
  [pool('blue', { disabled: 'no' }), 'disabled ("no"): must be true or false'],
  [
    pool('blue', { serviceSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }),
    'serviceSelector.matchExpressions[0].values ([]): of In must hold at least one value',
  ],
])('%j is refused: %s', (wrong, problem) => {
  const { problems } = read(wrong, policy('p'));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(`CiliumLoadBalancerIPPool/blue.spec.${problem}`);
});

test('a policy with interfaces that are no text is refused', () => {
  expect(read(policy('p', { interfaces: [3] })).problems).toEqual([
    'f.yaml:8:7: CiliumL2AnnouncementPolicy/p.spec.interfaces[0] (3): must be a regular expression',
  ]);
});
