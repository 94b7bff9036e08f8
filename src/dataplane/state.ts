/**
 * The dataplane as a value. DesiredState and ActualState have this one shape, so that plan, list,
 * explain, metrics, golden tests and the agent read the same thing and a difference is a comparison
 * of maps.
 */
import { type Address, joinHostPort } from '../net/address.ts';
import type { Family, Protocol } from '../net/family.ts';
import type { Part } from './part.ts';
import type { TableName, Tables } from './tables.ts';

/** `10.96.0.1:53/UDP`, `[fd00::1]:53/UDP`: a thing a person can grep. */
export type ServerKey = string;
/** `10.244.1.5:8080`, `[fd00::5]:8080`. */
export type DestinationKey = string;

/**
 * linux/ip_vs.h flags without HASHED, by names of ours; sh and mh read SCHED1 as fallback, SCHED2
 * as port.
 */
export type ServerFlag =
  'persistent' | 'one-packet' | `${'sh' | 'mh'}-${'fallback' | 'port'}` | `flag-${1 | 2 | 3}`;

export interface VirtualServer {
  readonly address: Address;
  readonly port: number;
  readonly protocol: Protocol;
  readonly scheduler: string;
  /** sorted */
  readonly flags: readonly ServerFlag[];
  /** present exactly when `flags` has `persistent` */
  readonly persistenceTimeoutSec?: number;
  /** `ns/name:port`; unknown when read from a kernel */
  readonly service?: string;
  readonly destinations: ReadonlyMap<DestinationKey, Destination>;
}

export interface Destination {
  readonly address: Address;
  readonly port: number;
  /** 0 = draining: keeps its connections, gets no new ones */
  readonly weight: number;
  /** `ns/slice#i` */
  readonly endpoint?: string;
  /**
   * what the endpoint stands for, `Pod ns/name`; for people only: nothing compares it but the
   * desired state with itself
   */
  readonly target?: string;
  readonly node?: string;
}

/** Those that ours may have: types that distributions ship. */
export const IP_SET_TYPES = [
  'hash:ip',
  'hash:ip,port',
  'hash:ip,port,ip',
  'hash:ip,port,net',
  'hash:net',
  'hash:net,port',
  'bitmap:port',
] as const;

export type IpSetType = (typeof IP_SET_TYPES)[number];

export interface IpSet {
  readonly name: string;
  readonly type: IpSetType;
  /** side it serves; a bitmap set has none in the kernel */
  readonly family: Family;
  /**
   * as `ipset save` prints them after the set's name: `10.0.0.1,tcp:80`; /32 and /128 without
   * length
   */
  readonly entries: ReadonlySet<string>;
  /** capacity; hash types only. Desired: the least that will do. Actual: what the kernel has. */
  readonly maxElements?: number;
}

export interface DataplaneState {
  readonly virtualServers: ReadonlyMap<ServerKey, VirtualServer>;
  /** bound to the dummy device */
  readonly addresses: ReadonlySet<Address>;
  /** by name */
  readonly ipsets: ReadonlyMap<string, IpSet>;
  readonly iptables: Readonly<Record<Family, Tables>>;
  /** dotted or slashed path below /proc/sys, slashes: `net/ipv4/vs/conntrack` */
  readonly sysctls: ReadonlyMap<string, string>;
}

/** Names of ours that are not in use: what bears one is removed where it is found. */
export interface UnusedNames {
  /** in the kernel */
  readonly sets: readonly string[];
  readonly chains: Readonly<Partial<Record<TableName, readonly string[]>>>;
}

export interface DesiredState extends DataplaneState {
  /** absent: none */
  readonly unused?: UnusedNames;
}

/** As read from the kernel. `sysctls` holds just those asked for. */
export interface ActualState extends DataplaneState {
  /** the dummy device exists */
  readonly hasDummyDevice: boolean;
  /**
   * What was found and cannot be ours in form, never touched: servers by firewall mark or of
   * another protocol, the keys of servers whose destinations are all forwarded in another way than
   * by masquerading, and such destinations of other servers: `fwmark:5/IPv4`,
   * `10.0.0.1:0/protocol-47`, `10.0.0.1:80/TCP`, `10.0.0.1:80/TCP -> 10.1.0.1:80`
   */
  readonly foreignServers: readonly string[];
  /** in IPVS' table when it was read, by the counts of all destinations; absent: not known */
  readonly connections?: number;
  /**
   * What could not be read, and why. Its place in this state is empty and says nothing: an unknown
   * part is not written, nothing of it is removed, and nothing is concluded from what it seems to
   * lack.
   */
  readonly unknown: ReadonlyMap<Part, Error>;
  /**
   * What was written and reads back as something else. Here it counts as written: it would be
   * written for ever.
   */
  readonly unconfirmed: ReadonlyMap<Part, Error>;
}

/** A node on which nothing has been programmed. */
export function emptyState(): ActualState {
  return {
    virtualServers: new Map(),
    addresses: new Set(),
    ipsets: new Map(),
    iptables: {
      IPv4: { nat: new Map(), filter: new Map() },
      IPv6: { nat: new Map(), filter: new Map() },
    },
    sysctls: new Map(),
    hasDummyDevice: false,
    foreignServers: [],
    unknown: new Map(),
    unconfirmed: new Map(),
  };
}

export function serverKey(server: Pick<VirtualServer, 'address' | 'port' | 'protocol'>): ServerKey {
  return `${joinHostPort(server.address, server.port)}/${server.protocol}`;
}

export function destinationKey(destination: Pick<Destination, 'address' | 'port'>): DestinationKey {
  return joinHostPort(destination.address, destination.port);
}

/** Device that carries the service addresses; other programs look for this name. */
export const DUMMY_DEVICE = 'kube-ipvs0';
