/**
 * IPVS as the kernel tells it, without judgement: any protocol number, any flag, firewall marks
 * included. Which of it can be ours, and what names the flags have, is decided in kernel/ and cli/;
 * the bytes are in ipvsRequests.ts and ipvsReplies.ts.
 */
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';

export interface AddressServiceIdentity {
  readonly family: Family;
  /** IANA number; the kernel takes any */
  readonly protocol: number;
  readonly address: Address;
  readonly port: number;
  readonly fwmark?: undefined;
}

/** The same mark may exist once in each family. */
export interface MarkServiceIdentity {
  readonly family: Family;
  /** 1 to 2^32-1 */
  readonly fwmark: number;
}

/** What names a service within one network namespace. */
export type ServiceIdentity = AddressServiceIdentity | MarkServiceIdentity;

export interface ServiceSettings {
  /** `none` = without a scheduler */
  readonly scheduler: string;
  /** IP_VS_SVC_F_*; replies carry HASHED, requests must not */
  readonly flags: number;
  /** persistence time-out */
  readonly timeoutSec: number;
  /**
   * IPv4: the mask as a number (255.255.255.0 = 0xffffff00); IPv6: prefix length 1 to 128. Wanted
   * without persistence too.
   */
  readonly netmask: number;
  /** persistence engine */
  readonly peName?: string;
}

/**
 * Counters and rates since the service or destination was made, refreshed by the kernel every two
 * seconds. All are bigint: they are 64 bits wide, sums and differences stay exact, and reading a
 * million of them takes some tens of milliseconds.
 */
export interface Counters {
  readonly connections: bigint;
  readonly inPackets: bigint;
  readonly outPackets: bigint;
  readonly inBytes: bigint;
  readonly outBytes: bigint;
  readonly connectionsPerSec: bigint;
  readonly inPacketsPerSec: bigint;
  readonly outPacketsPerSec: bigint;
  readonly inBytesPerSec: bigint;
  readonly outBytesPerSec: bigint;
}

export type ServiceRequest = ServiceIdentity & ServiceSettings;

export type IpvsService = ServiceRequest & {
  /** absent in requests, and when decoding was told to leave them out */
  readonly counters?: Counters;
};

export interface DestinationIdentity {
  /** may differ from the service's for tunnels */
  readonly family: Family;
  readonly address: Address;
  readonly port: number;
}

export interface Tunnel {
  /** IP_VS_CONN_F_TUNNEL_TYPE_* */
  readonly type: number;
  /** GUE only */
  readonly port: number;
  /** 0 no checksum, 1 checksum, 2 remote checksum */
  readonly flags: number;
}

export interface DestinationSettings {
  /** IP_VS_CONN_F_MASQ, LOCALNODE, TUNNEL, DROUTE, BYPASS; 5 and 7 can be stored too */
  readonly forwarding: number;
  /** 0 = keeps its connections, gets no new ones */
  readonly weight: number;
  /** 0 = none */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** absent = all zero, as with every destination that is not a tunnel */
  readonly tunnel?: Tunnel;
}

export type DestinationRequest = DestinationIdentity & DestinationSettings;

export type IpvsDestination = DestinationRequest & {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly counters?: Counters;
};

export interface SyncDaemon {
  /** IP_VS_STATE_MASTER or IP_VS_STATE_BACKUP */
  readonly state: number;
  readonly multicastInterface: string;
  readonly syncId: number;
  /** payload of a datagram; the kernel chooses when absent or 0 */
  readonly maxLength?: number;
  readonly multicastGroup?: Address;
  readonly multicastPort?: number;
  readonly multicastTtl?: number;
}

/** In seconds; 0 in a request leaves the kernel's value as it is. */
export interface Timeouts {
  readonly tcpSec: number;
  readonly tcpFinSec: number;
  readonly udpSec: number;
}

export interface IpvsVersion {
  /** 0x010201 is 1.2.1 */
  readonly version: number;
  readonly connectionTableSize: number;
}

/** The mask of a service that is not persistent, or persistent by whole client address. */
export function hostNetmask(family: Family): number {
  return family === 'IPv4' ? 0xffff_ffff : 128;
}
