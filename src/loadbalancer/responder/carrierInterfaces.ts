/**
 * Which network devices may carry announcements: those by which a node stands on an Ethernet
 * segment itself. Left out is what belongs to pods, tunnels or virtual machines, and what another
 * device speaks for. Which of them answers for an address is decided by its subnet, elsewhere.
 */
import type { AnnouncerSettings } from '../../config/loadBalancer/settings.ts';
import { type Address, familyOf, isLinkLocal } from '../../net/address.ts';
import { FAMILIES, type Family } from '../../net/family.ts';
import { matchesGlob } from '../../net/glob.ts';
import { isUnicastMac, type MacAddress, macFromBytes } from '../../net/macAddress.ts';
import { type Prefix, prefixOf } from '../../net/prefix.ts';
import * as c from '../../netlink/constants.ts';
import type { InterfaceAddress } from '../../netlink/rtnlAddresses.ts';
import type { Link } from '../../netlink/rtnlLinks.ts';
import { isDefaultRoute, type Route } from '../../netlink/rtnlRoutes.ts';

export interface CarrierInterface {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: MacAddress;
  /** in the kernel's order */
  readonly addresses: readonly AttachedAddress[];
  /** of its addresses, each once */
  readonly prefixes: readonly Prefix[];
  /** families whose default route leads through it */
  readonly defaultRoute: readonly Family[];
  /** what Neighbor Advertisements come from; undefined: no IPv6 there (yet) */
  readonly neighborSource: Address | undefined;
}

export interface AttachedAddress {
  readonly address: Address;
  readonly prefixLength: number;
}

/** A node's network, as rtnetlink lists it. */
export interface HostNetworkTables {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
}

export interface CarrierRules extends Pick<AnnouncerSettings, 'interfaces' | 'excludeInterfaces'> {
  /** InternalIPs of this Node: the device that has one is the node's own, also if it is a veth */
  readonly internalAddresses: readonly Address[];
}

/** Why a device may not, the first reason. */
export type CarrierRefusal =
  | 'Down'
  | 'NoCarrier'
  | 'NotEthernet'
  | 'NoBroadcast'
  | 'NoArp'
  | 'Enslaved'
  | 'Kind'
  | 'Name'
  | 'NotConfigured'
  | 'Excluded';

/** linux/rtnetlink.h, IFLA_INFO_KIND: tunnels, pods' ends and what leads nowhere. */
const REFUSED_KINDS = new Set(
  [
    'dummy tun wireguard vxlan geneve ipip ip6tnl sit',
    'gre gretap ip6gre ip6gretap erspan ip6erspan ifb vrf',
  ].flatMap((line) => line.split(' ')),
);

/** Of container networks, container engines, virtual machines and node-local DNS. */
const REFUSED_NAMES = [
  'docker* cni* flannel* cali* lxc* cilium* weave*',
  'kube-* virbr* nodelocaldns br-*',
].flatMap((line) => line.split(' '));

/** Those that may, by name. */
export function carrierInterfaces(
  { links, addresses, routes }: HostNetworkTables,
  rules: CarrierRules,
): readonly CarrierInterface[] {
  const byIndex = Map.groupBy(addresses.filter(isUsable), ({ index }) => index);
  const defaults = routes.filter(isDefaultRoute);
  return links
    .flatMap((link) => {
      const own = byIndex.get(link.index) ?? [];
      if (carrierRefusal(link, own, rules) !== undefined) return [];
      return [carrier(link, own, defaults)];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param addresses those of the link @returns undefined: it may */
export function carrierRefusal(
  link: Link,
  addresses: readonly InterfaceAddress[],
  rules: CarrierRules,
): CarrierRefusal | undefined {
  const { name, kind } = link;
  if (!has(link, c.IFF_UP)) return 'Down';
  // A port that waits for its 802.1X has a carrier and does not run.
  if (!has(link, c.IFF_LOWER_UP) || !has(link, c.IFF_RUNNING)) return 'NoCarrier';
  if (link.hardwareType !== c.ARPHRD_ETHER || macOf(link) === undefined) return 'NotEthernet';
  if (!has(link, c.IFF_BROADCAST)) return 'NoBroadcast';
  if (has(link, c.IFF_NOARP)) return 'NoArp';
  if (link.master !== undefined) return 'Enslaved';
  if (kind !== undefined && REFUSED_KINDS.has(kind)) return 'Kind';
  if (kind === 'veth' && !isNodesOwn(addresses, rules)) return 'Kind';
  if (REFUSED_NAMES.some((glob) => matchesGlob(glob, name))) return 'Name';
  if (!rules.interfaces.some((glob) => matchesGlob(glob, name))) return 'NotConfigured';
  return rules.excludeInterfaces.some((glob) => matchesGlob(glob, name)) ? 'Excluded' : undefined;
}

const has = ({ flags }: Link, flag: number): boolean => (flags & flag) !== 0;

/** A node in a container stands on the segment by a veth. */
function isNodesOwn(
  addresses: readonly InterfaceAddress[],
  { internalAddresses }: CarrierRules,
): boolean {
  return addresses.some(({ address }) => internalAddresses.includes(address));
}

/** Not one that another host turned out to have. */
const isUsable = ({ flags }: InterfaceAddress): boolean => (flags & c.IFA_F_DADFAILED) === 0;

function macOf({ hardwareAddress }: Link): MacAddress | undefined {
  if (hardwareAddress?.length !== 6) return undefined;
  const mac = macFromBytes(hardwareAddress);
  return isUnicastMac(mac) ? mac : undefined;
}

function carrier(
  link: Link,
  addresses: readonly InterfaceAddress[],
  defaults: readonly Route[],
): CarrierInterface {
  const prefixes = addresses.map(({ address, prefixLength }) => prefixOf(address, prefixLength));
  const leads = defaults.filter(({ nextHops }) =>
    nextHops.some(({ outInterface }) => outInterface === link.index),
  );
  return {
    name: link.name,
    ifindex: link.index,
    mac: macOf(link)!,
    addresses: addresses.map(({ address, prefixLength }) => ({ address, prefixLength })),
    prefixes: [
      ...new Map(prefixes.map((each) => [`${each.address}/${each.length}`, each])).values(),
    ],
    defaultRoute: FAMILIES.filter((family) => leads.some((route) => route.family === family)),
    neighborSource: neighborSourceOf(addresses),
  };
}

/** The link-local address; without one, any other that is known to be this node's alone. */
function neighborSourceOf(addresses: readonly InterfaceAddress[]): Address | undefined {
  const own = addresses
    .filter(
      ({ address, flags }) => familyOf(address) === 'IPv6' && (flags & c.IFA_F_TENTATIVE) === 0,
    )
    .map(({ address }) => address);
  return own.find(isLinkLocal) ?? own[0];
}
