/** The table of causes: when each is given, and what its message has to say. */
import { expect, test } from '@jest/globals';
import { CAUSES } from '../../../../src/loadbalancer/allocation/cause.ts';
import type { BalancedService } from '../../../../src/model/balancedService.ts';
import {
  lines,
  pool,
  run,
  service,
  settingsOf,
  type ServiceWords,
} from '../../../support/loadbalancer/balanced.ts';

const OFFICE = pool('office', '192.0.2.64/31');
const POOLS = [
  OFFICE,
  pool('lab', '198.51.100.0/30', { autoAssign: false }),
  pool('team', '203.0.113.0/30', { autoAssign: false, namespaces: ['team-a'] }),
  pool('old', '203.0.113.64/30', { draining: true }),
];
const wants = (value: string): ServiceWords => ({ spec: { loadBalancerIP: value } });
const from = (pools: string, more: ServiceWords = {}): ServiceWords => ({
  annotations: { 'kube-ipvs.io/address-pool': pools },
  ...more,
});
const sharing = (key: string, more: ServiceWords = {}): ServiceWords => ({
  annotations: { 'kube-ipvs.io/share-key': key },
  ...more,
});
const holder = (words: ServiceWords = {}) =>
  service('holder', { created: '2020', has: '192.0.2.64', ...words });

interface Row {
  readonly pools?: readonly ReturnType<typeof pool>[];
  readonly allocation?: Parameters<typeof settingsOf>[1];
  readonly asks?: ServiceWords;
  readonly others?: readonly BalancedService[];
  readonly cause: (typeof CAUSES)[number];
  readonly says: string;
}

const full = [
  service('x', { has: '192.0.2.64', namespace: 'n' }),
  service('y', { has: '192.0.2.65', namespace: 'n' }),
];
const RESTRICTED = pool('mine', '192.0.2.64/32', { namespaces: ['default'] });

const ROWS: readonly Row[] = [
  { pools: [], cause: 'NoPools', says: 'the LoadBalancerConfiguration of --features has no pools' },
  {
    pools: [
      ...POOLS.slice(1),
      pool('web', '192.0.2.0/31', { serviceSelectors: [{ matchLabels: { tier: 'web' } }] }),
      pool('b', '192.0.2.2/31', { namespaces: ['b'], namespaceSelectors: [] }),
    ],
    cause: 'NoPoolForService',
    says:
      'no pool gives to this Service by itself (lab: only on request; team: only on request; ' +
      'old: draining; web: its serviceSelectors do not match the Service; ' +
      'b: its namespaces and namespaceSelectors do not admit namespace default)',
  },
  {
    asks: { families: '6' },
    cause: 'NoPoolForService',
    says: 'no pool for this Service has IPv6 addresses (office)',
  },
  { others: full, cause: 'PoolsExhausted', says: 'no IPv4 address is free: office has 2' },
  {
    pools: [RESTRICTED, pool('all', '192.0.2.65/32')],
    others: [holder()],
    cause: 'PoolsExhausted',
    says: 'no IPv4 address is free: mine has 1; left out, as allocation.fallback is Never: all',
  },
  {
    asks: from('offcie'),
    cause: 'UnknownPool',
    says: 'there is no pool "offcie", there are lab, office, old, team',
  },
  {
    asks: from('nowhere', wants('192.0.2.64')),
    cause: 'UnknownPool',
    says: 'there is no pool "nowhere", there are lab, office, old, team',
  },
  {
    pools: [],
    asks: from('office'),
    cause: 'UnknownPool',
    says: 'there is no pool "office", there are none',
  },
  {
    asks: from('lab,team'),
    cause: 'PoolNotAllowed',
    says: 'pool team is not for this Service: its namespaces and namespaceSelectors do not admit namespace default',
  },
  {
    asks: from('old'),
    cause: 'PoolNotAllowed',
    says: 'pool old is draining, and nothing new is given from there',
  },
  {
    asks: wants('203.0.113.1'),
    cause: 'PoolNotAllowed',
    says: '203.0.113.1 is in pool team, which is not for this Service: its namespaces and namespaceSelectors do not admit namespace default',
  },
  {
    asks: wants('203.0.113.65'),
    cause: 'PoolNotAllowed',
    says: '203.0.113.65 is in pool old, which is draining: nothing new is given from it',
  },
  {
    asks: from('lab', wants('192.0.2.64')),
    cause: 'PoolMismatch',
    says: '192.0.2.64 is in pool office, asked for is lab',
  },
  {
    asks: wants('192.0.2.70'),
    cause: 'AddressNotInPools',
    says: '192.0.2.70 is in no pool, the nearest is office (192.0.2.64-192.0.2.65)',
  },
  {
    asks: { ...wants('2001:db8::1'), families: '6' },
    cause: 'AddressNotInPools',
    says: '2001:db8::1 is in no pool, no pool has IPv6 addresses',
  },
  {
    pools: [pool('office', '192.0.2.0/24', { skipZeroAnd255: true })],
    asks: wants('192.0.2.255'),
    cause: 'AddressNotInPools',
    says: '192.0.2.255: pool office leaves out what ends in .0 and .255 (skipZeroAnd255)',
  },
  {
    asks: wants('192.0.2.64'),
    others: [service('z', { lbClass: null, spec: { clusterIPs: ['192.0.2.64'] } })],
    cause: 'AddressReserved',
    says: '192.0.2.64 is the cluster IP of Service default/z',
  },
  {
    asks: wants('192.0.2.64'),
    others: [service('z', { lbClass: null, spec: { externalIPs: ['192.0.2.64'] } })],
    cause: 'AddressReserved',
    says: '192.0.2.64 is an external IP of Service default/z',
  },
  {
    asks: wants('192.0.2.65'),
    cause: 'AddressReserved',
    says: '192.0.2.65 is answered for on the network by 02:00:00:00:00:99',
  },
  {
    asks: wants('198.51.100.3'),
    cause: 'AddressReserved',
    says: '198.51.100.3 is the address of Node n1',
  },
  {
    asks: wants('192.0.2.64'),
    others: [holder()],
    cause: 'AddressInUse',
    says: 'default/holder holds 192.0.2.64; both would share it with the same annotation kube-ipvs.io/share-key',
  },
  {
    asks: sharing('k', wants('192.0.2.64')),
    others: [holder({ lbClass: 'example.com/cloud' })],
    cause: 'AddressInUse',
    says: "default/holder holds 192.0.2.64, and is somebody else's to serve",
  },
  {
    asks: sharing('k', wants('192.0.2.64')),
    others: [holder()],
    cause: 'SharingRefused',
    says: 'default/holder holds 192.0.2.64, without a share key, this Service\'s is "k"',
  },
  {
    asks: sharing('k', { ...wants('192.0.2.64'), ports: '81/TCP' }),
    allocation: { sharing: 'Never' },
    others: [holder(sharing('k'))],
    cause: 'SharingRefused',
    says: 'default/holder holds 192.0.2.64, and allocation.sharing is Never',
  },
  {
    asks: sharing('k', { ...wants('192.0.2.64'), ports: '81/TCP 80/TCP' }),
    others: [holder(sharing('k'))],
    cause: 'PortInUse',
    says: 'default/holder (share key "k") has port 80/TCP of 192.0.2.64',
  },
  {
    asks: wants('2001:db8::1'),
    cause: 'FamilyMismatch',
    says: '2001:db8::1 is IPv6, and the Service is IPv4',
  },
  {
    asks: { families: '46', policy: 'RequireDualStack' },
    cause: 'FamilyUnavailable',
    says: 'IPv6 cannot be had: no pool for this Service has IPv6 addresses (office)',
  },
  {
    asks: { families: '4', policy: 'RequireDualStack' },
    cause: 'DualStackImpossible',
    says: 'ipFamilyPolicy is RequireDualStack, but it has IPv4 only: give it both in spec.ipFamilies, or another ipFamilyPolicy',
  },
  {
    asks: wants('office'),
    cause: 'InvalidRequest',
    says: 'spec.loadBalancerIP ("office"): "office" is not an IP address',
  },
  {
    asks: { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.64,' } },
    cause: 'InvalidRequest',
    says: 'metadata.annotations[metallb.io/loadBalancerIPs] ("192.0.2.64,"): "" is not an IP address',
  },
  {
    asks: { annotations: { 'purelb.io/addresses': '192.0.2.64, 192.0.2.65' } },
    cause: 'InvalidRequest',
    says: 'metadata.annotations[purelb.io/addresses] ("192.0.2.64, 192.0.2.65"): 192.0.2.64 and 192.0.2.65 are two of IPv4, and there is one of each at most',
  },
  {
    asks: { annotations: { 'kube-vip.io/loadbalancerIPs': '0.0.0.0' } },
    cause: 'InvalidRequest',
    says: 'metadata.annotations[kube-vip.io/loadbalancerIPs] ("0.0.0.0"): 0.0.0.0 asks for DHCP, which there is none of',
  },
  {
    asks: { annotations: { 'io.cilium/lb-ipam-ips': '192.0.2.64' }, ...wants('192.0.2.65') },
    cause: 'InvalidRequest',
    says: 'metadata.annotations[io.cilium/lb-ipam-ips] (192.0.2.64) and spec.loadBalancerIP (192.0.2.65) ask for different addresses',
  },
];

test.each(ROWS)(
  '$cause: $says',
  ({ pools = POOLS, allocation, asks, others = [], cause, says }) => {
    const around = {
      nodes: new Map([['198.51.100.3', 'n1']]),
      foreignOwners: new Map([['192.0.2.65', '02:00:00:00:00:99']]),
    };
    const services = [service('asking', { created: '2027', ...asks }), ...others];
    const { decisions } = run(settingsOf(pools, allocation), services, around);
    const decision = decisions.get('default/asking');
    expect(decision).toMatchObject({ state: 'Pending', cause, addresses: [] });
    expect(decision).toMatchObject({
      message: says,
      warning: 'AddressPending',
      isUntouched: false,
    });
  },
);

test('every cause has its row', () => {
  expect(new Set(ROWS.map(({ cause }) => cause))).toEqual(new Set(CAUSES));
});

test('an address that is asked for twice in the same way, or in both places, is asked for once', () => {
  const twice = service('a', {
    annotations: { 'kube-ipvs.io/load-balancer-ips': ' 192.0.2.64 , 192.000.2.64' },
    spec: { loadBalancerIP: '192.0.2.64' },
  });
  expect(lines(run(settingsOf([OFFICE]), [twice]))).toEqual([
    'default/a Assigned 192.0.2.64@office',
  ]);
});

test('requested addresses go before automatic ones, however old these are', () => {
  const services = [
    service('old', { created: '2020' }),
    service('asks', { created: '2026', ...wants('192.0.2.64') }),
  ];
  expect(lines(run(settingsOf([OFFICE]), services))).toEqual([
    'default/asks Assigned 192.0.2.64@office',
    'default/old Assigned 192.0.2.65@office',
  ]);
});

test('of two that ask for one address the older gets it', () => {
  const services = [
    service('a', { created: '2026', ...wants('192.0.2.64') }),
    service('b', { created: '2025', ...wants('192.0.2.64') }),
  ];
  expect(lines(run(settingsOf([OFFICE]), services))).toEqual([
    'default/a Pending (AddressInUse)',
    'default/b Assigned 192.0.2.64@office',
  ]);
});

test('an address may be asked for in a pool that gives on request only', () => {
  const asks = service('a', from('office, lab', wants('198.51.100.2')));
  expect(lines(run(settingsOf(POOLS), [asks]))).toEqual(['default/a Assigned 198.51.100.2@lab']);
});
