import { describe, expect, test } from '@jest/globals';
import {
  carrierInterfaces,
  carrierRefusal,
  type CarrierRules,
  type HostNetworkTables,
} from '../../../../src/loadbalancer/responder/carrierInterfaces.ts';
import { familyOf } from '../../../../src/net/address.ts';
import { parsePrefix } from '../../../../src/net/prefix.ts';
import * as c from '../../../../src/netlink/constants.ts';
import type { InterfaceAddress } from '../../../../src/netlink/rtnlAddresses.ts';
import type { Link } from '../../../../src/netlink/rtnlLinks.ts';
import type { Route } from '../../../../src/netlink/rtnlRoutes.ts';

const RUNNING = c.IFF_UP | c.IFF_LOWER_UP | c.IFF_RUNNING | c.IFF_BROADCAST;

const eth0: Link = {
  index: 2,
  name: 'eth0',
  flags: RUNNING,
  hardwareType: 1,
  hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, 0x0b),
};
const rules: CarrierRules = { interfaces: ['*'], excludeInterfaces: [], internalAddresses: [] };

function address(index: number, text: string, flags = 0): InterfaceAddress {
  const [plain = '', length] = text.split('/');
  return {
    family: familyOf(plain),
    index,
    address: plain,
    prefixLength: Number(length),
    scope: 0,
    flags,
  };
}

describe('which device may carry announcements', () => {
  test.each<[string, Partial<Link>]>([
    ['an Ethernet card', {}],
    ['a bond', { name: 'bond0', kind: 'bond' }],
    ['a team', { name: 'team0', kind: 'team' }],
    ['a VLAN', { name: 'eth0.10', kind: 'vlan', parent: 2 }],
    ['a macvlan', { name: 'mac0', kind: 'macvlan', parent: 2 }],
    ['a bridge', { name: 'br0', kind: 'bridge' }],
  ])('%s may', (_, fields) => {
    expect(carrierRefusal({ ...eth0, ...fields }, [], rules)).toBeUndefined();
  });

  test.each<[string, string, Partial<Link>]>([
    ['one that is down', 'Down', { flags: RUNNING & ~c.IFF_UP }],
    ['one without a carrier', 'NoCarrier', { flags: RUNNING & ~c.IFF_LOWER_UP }],
    ['one that waits for its 802.1X', 'NoCarrier', { flags: RUNNING & ~c.IFF_RUNNING }],
    ['the loopback device', 'NotEthernet', { name: 'lo', hardwareType: 772 }],
    ['one without a MAC', 'NotEthernet', { hardwareAddress: new Uint8Array() }],
    ['one whose MAC is zero', 'NotEthernet', { hardwareAddress: new Uint8Array(6) }],
    ['one without broadcast', 'NoBroadcast', { flags: RUNNING & ~c.IFF_BROADCAST }],
    ['one without ARP', 'NoArp', { flags: RUNNING | c.IFF_NOARP }],
    ['a port of a bridge or a bond', 'Enslaved', { master: 7 }],
    ...['dummy', 'veth', 'tun', 'wireguard', 'vxlan', 'geneve', 'ipip', 'sit', 'gre', 'gretap'].map(
      (kind): [string, string, Partial<Link>] => [`of kind ${kind}`, 'Kind', { kind }],
    ),
    ...'docker0 docker_gwbridge cni0 flannel.1 cali1234 lxc_health cilium_net weave kube-bridge'
      .concat(' virbr0 nodelocaldns br-0a1b2c')
      .split(' ')
      .map((name): [string, string, Partial<Link>] => [`named ${name}`, 'Name', { name }]),
  ])('%s may not', (_, reason, fields) => {
    expect(carrierRefusal({ ...eth0, ...fields }, [], rules)).toBe(reason);
  });

  test('our own device may not, whatever it is said to be', () => {
    expect(carrierRefusal({ ...eth0, name: 'kube-ipvs0' }, [], rules)).toBe('Name');
    const dummy = { ...eth0, name: 'kube-ipvs0', kind: 'dummy', flags: RUNNING | c.IFF_NOARP };
    expect(carrierRefusal(dummy, [], rules)).toBe('NoArp');
  });

  test('a veth may that has the InternalIP of this Node: the node is a container', () => {
    const veth = { ...eth0, kind: 'veth' };
    const ofNode = { ...rules, internalAddresses: ['192.0.2.11', '2001:db8::11'] };
    expect(carrierRefusal(veth, [address(2, '192.0.2.11/24')], ofNode)).toBeUndefined();
    expect(carrierRefusal(veth, [address(2, '2001:db8::11/64')], ofNode)).toBeUndefined();
    expect(carrierRefusal(veth, [address(2, '192.0.2.12/24')], ofNode)).toBe('Kind');
    // Its name counts all the same.
    const ofPod = { ...veth, name: 'cali1' };
    expect(carrierRefusal(ofPod, [address(2, '192.0.2.11/24')], ofNode)).toBe('Name');
  });

  test('of those, the ones that the configuration names and does not exclude', () => {
    const named = { ...rules, interfaces: ['eth*', 'bond0'], excludeInterfaces: ['eth1'] };
    const reasons = ['eth0', 'eth1', 'bond0', 'bond1'].map((name) =>
      carrierRefusal({ ...eth0, name }, [], named),
    );
    expect(reasons).toEqual([undefined, 'Excluded', undefined, 'NotConfigured']);
    expect(carrierRefusal(eth0, [], { ...rules, interfaces: [] })).toBe('NotConfigured');
  });
});

function route(fields: Partial<Route>): Route {
  const fixed = { table: c.RT_TABLE_MAIN, protocol: 4, scope: 0, type: c.RTN_UNICAST } as const;
  return { family: 'IPv4', destinationLength: 0, ...fixed, nextHops: [], ...fields };
}

test('what is told of them, by name: addresses, prefixes, default routes, where IPv6 answers from', () => {
  const eth1 = {
    ...eth0,
    index: 3,
    name: 'eth1',
    hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, 9),
  };
  const host: HostNetworkTables = {
    links: [eth1, { ...eth0, index: 4, name: 'docker0' }, eth0],
    addresses: [
      address(2, '192.0.2.11/24'),
      address(2, '192.0.2.12/24'),
      address(2, '2001:db8::11/64'),
      address(2, 'fe80::b/64'),
      address(3, 'fe80::9/64', c.IFA_F_TENTATIVE),
      address(3, '198.51.100.7/25'),
      address(3, '198.51.100.8/25', c.IFA_F_DADFAILED),
      address(4, '172.17.0.1/16'),
    ],
    routes: [
      route({ nextHops: [{ outInterface: 3, gateway: '198.51.100.1' }] }),
      route({ family: 'IPv6', nextHops: [{ outInterface: 3 }, { outInterface: 2 }] }),
      route({ table: 100, nextHops: [{ outInterface: 2 }] }),
      route({ destination: '10.0.0.0', destinationLength: 8, nextHops: [{ outInterface: 2 }] }),
    ],
  };
  expect(carrierInterfaces(host, rules)).toEqual([
    {
      name: 'eth0',
      ifindex: 2,
      mac: '02:00:00:00:00:0b',
      addresses: [
        { address: '192.0.2.11', prefixLength: 24 },
        { address: '192.0.2.12', prefixLength: 24 },
        { address: '2001:db8::11', prefixLength: 64 },
        { address: 'fe80::b', prefixLength: 64 },
      ],
      prefixes: ['192.0.2.0/24', '2001:db8::/64', 'fe80::/64'].map(parsePrefix),
      defaultRoute: ['IPv6'],
      neighborSource: 'fe80::b',
    },
    {
      name: 'eth1',
      ifindex: 3,
      mac: '02:00:00:00:00:09',
      addresses: [
        { address: 'fe80::9', prefixLength: 64 },
        { address: '198.51.100.7', prefixLength: 25 },
      ],
      prefixes: ['fe80::/64', '198.51.100.0/25'].map(parsePrefix),
      defaultRoute: ['IPv4', 'IPv6'],
      neighborSource: undefined,
    },
  ]);
});

test('without a link-local address IPv6 answers from another one that is certain', () => {
  const sourceOf = (...addresses: readonly InterfaceAddress[]) =>
    carrierInterfaces({ links: [eth0], addresses, routes: [] }, rules)[0]?.neighborSource;
  expect(sourceOf(address(2, '2001:db8::11/64'))).toBe('2001:db8::11');
  expect(sourceOf(address(2, '2001:db8::11/64', c.IFA_F_TENTATIVE))).toBeUndefined();
  expect(sourceOf(address(2, 'fe80::b/64', c.IFA_F_DADFAILED))).toBeUndefined();
  expect(sourceOf(address(2, '192.0.2.11/24'))).toBeUndefined();
});
