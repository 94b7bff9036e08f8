/**
 * What the load balancer goes by, made of a LoadBalancerConfiguration and of other programs' pools:
 * ranges parsed, defaults filled in, in the order that counts.
 */
import type { LabelSelector } from '../../model/labelSelector.ts';
import type { AddressRange } from '../../net/addressRange.ts';

export interface LoadBalancerSettings {
  /** spec.loadBalancerClass of the Services that are ours */
  readonly loadBalancerClass: string;
  /** also Services without a class */
  readonly serveUnclassed: boolean;
  /** the own document's in its order, then those of foreign objects by name */
  readonly pools: readonly Pool[];
  readonly allocation: AllocationSettings;
  readonly announcer: AnnouncerSettings;
}

export interface AllocationSettings {
  /** an address of ours that no pool contains any more */
  readonly outOfPool: 'Keep' | 'Reassign';
  /** unrestricted pools after restricted ones that match */
  readonly fallback: 'Never' | 'WhenExhausted';
  readonly sharing: 'Never' | 'SameNamespace' | 'AnyNamespace';
}

export interface Pool {
  /** DNS label, unique */
  readonly name: string;
  /** in the order written, without overlaps, none of another pool either */
  readonly ranges: readonly AddressRange[];
  /** false: only on request */
  readonly autoAssign: boolean;
  /** nothing new from it at all */
  readonly draining: boolean;
  /** IPv4 addresses that end in .0 and .255 are not given out */
  readonly skipZeroAnd255: boolean;
  /** whole number ≥ 1, lower first; undefined: after all that have one */
  readonly priority: number | undefined;
  /**
   * A Service must match one of these two; both undefined: any does. A list that matches no
   * namespace admits nobody.
   */
  readonly namespaces: readonly string[] | undefined;
  readonly namespaceSelectors: readonly LabelSelector[] | undefined;
  /** and one of these; undefined: any */
  readonly serviceSelectors: readonly LabelSelector[] | undefined;
  /** empty: assigned, but not announced */
  readonly announce: readonly Announcement[];
}

/** By whom and where the addresses of a pool are announced. */
export interface Announcement {
  /** any of them; empty: every node */
  readonly nodeSelectors: readonly LabelSelector[];
  /** any of them; empty: every Service of the pool */
  readonly serviceSelectors: readonly LabelSelector[];
  /** names or globs; empty: chosen by subnet */
  readonly interfaces: readonly string[];
  readonly preferredNodes: readonly { readonly weight: number; readonly selector: LabelSelector }[];
}

export interface AnnouncerSettings {
  readonly enabled: boolean;
  readonly probeBeforeUse: boolean;
  /** also on nodes that are labelled to be left out */
  readonly ignoreExcludeLabel: boolean;
  /** names or globs */
  readonly interfaces: readonly string[];
  readonly excludeInterfaces: readonly string[];
  /** 0: off */
  readonly refreshIntervalMs: number;
  readonly holdDownMs: number;
  readonly heartbeat: HeartbeatSettings;
}

export interface HeartbeatSettings {
  /** UDP */
  readonly port: number;
  readonly intervalMs: number;
  /** so many intervals of silence are a dead node */
  readonly misses: number;
  /** path of the key; undefined: unsigned, which had to be asked for */
  readonly secretFile: string | undefined;
}
