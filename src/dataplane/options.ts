/**
 * The part of the configuration that shapes the dataplane, resolved and validated (config/ makes
 * it).
 */
import type { Family } from '../net/family.ts';
import type { Prefix } from '../net/prefix.ts';

/**
 * How traffic of local pods is told from other traffic (`detectLocalMode`); already narrowed to
 * what a family can use.
 */
export type LocalDetector =
  | { readonly kind: 'none' }
  | { readonly kind: 'prefix'; readonly prefix: Prefix }
  | {
      readonly kind: 'interface';
      /** iptables interface match: `cni0`, `cali+` */ readonly match: string;
    };

export interface DataplaneOptions {
  readonly scheduler: string;
  readonly masqueradeAll: boolean;
  /** 0..31; the mark is 1 << bit */
  readonly masqueradeBit: number;
  readonly strictArp: boolean;
  readonly excludeCidrs: readonly Prefix[];
  /**
   * which addresses of the node serve NodePorts; `primary` = the Node object's address of the
   * family
   */
  readonly nodePortAddresses: readonly (Prefix | 'primary')[];
  /** else no Service is served at `spec.externalIPs` (KEP-5707) */
  readonly allowsExternalIPs: boolean;
  readonly detectLocal: Readonly<Record<Family, LocalDetector>>;
  /** IPVS timeouts, 0 = leave the kernel's */
  readonly timeoutsSec: { readonly tcp: number; readonly tcpFin: number; readonly udp: number };
}
