/**
 * What the proxy's main thread and the announcer's thread tell each other. All of it can be cloned
 * (structuredClone): values only.
 */
import type { LoadBalancerSettings } from '../../config/loadBalancer/settings.ts';
import type { Address } from '../../net/address.ts';
import type { Attachment } from '../../wire/heartbeatBody.ts';
import type { DurationCounts } from '../responder/durations.ts';
import type { AnnouncedService } from '../announcement.ts';
import type { MemberNode } from './electors.ts';
import type { Move } from './move.ts';
import type { AddressReport, ExcludedNode, PeerReport } from './report.ts';
import type { NobodyCause } from '../election.ts';

/** An address as told: pools are known by name. */
export interface ToldAddress {
  readonly address: Address;
  /** never empty; by key */
  readonly services: readonly AnnouncedService[];
  /** undefined: out of every pool */
  readonly pool: string | undefined;
}

export interface ThreadStart {
  /** this node's name */
  readonly node: string;
  readonly settings: LoadBalancerSettings;
  /** first 32 bits of the configuration's hash: others compare it with theirs */
  readonly configurationHash: number;
  /** InternalIPs of this Node */
  readonly internalAddresses: readonly Address[];
}

/** From the main thread. */
export type Order =
  | {
      readonly order: 'addresses';
      readonly changed: readonly ToldAddress[];
      readonly gone: readonly Address[];
    }
  /** all of them, this node among them */
  | { readonly order: 'members'; readonly members: readonly MemberNode[] }
  | {
      readonly order: 'servable';
      readonly came: readonly Address[];
      readonly went: readonly Address[];
    }
  /** also at least once a second, by which the main thread shows that it turns */
  | {
      readonly order: 'standing';
      readonly isReady: boolean;
      readonly isApiServerReachable: boolean;
    }
  | { readonly order: 'leave' }
  | { readonly order: 'report'; readonly id: number }
  /** @param addresses absent: all */
  | { readonly order: 'release'; readonly id: number; readonly addresses?: readonly Address[] };

/** From the announcer's thread. */
export type News =
  /** its sockets are open, and it ticks */
  | { readonly news: 'begun' }
  | { readonly news: 'standing'; readonly isAlone: boolean; readonly isCutOff: boolean }
  | { readonly news: 'moves'; readonly moves: readonly Move[] }
  | {
      readonly news: 'conflict';
      readonly address: Address;
      readonly mac: string;
      readonly interfaceName: string;
    }
  /** for a while already; told by one node */
  | {
      readonly news: 'unannounced';
      readonly address: Address;
      readonly cause: NobodyCause;
      readonly excluded: readonly ExcludedNode[];
    }
  /** @param message absent: it works again */
  | { readonly news: 'failure'; readonly subject: string; readonly message?: string }
  | { readonly news: 'report'; readonly id: number; readonly report: ThreadReport }
  | { readonly news: 'released'; readonly id: number; readonly stay: readonly Address[] };

/** Without having been asked. */
export type UnaskedNews = Exclude<News, { readonly id: number }>;

export interface ThreadReport {
  readonly node: string;
  /** nobody is heard, and somebody should be: the wire decides */
  readonly isAlone: boolean;
  readonly isCutOff: boolean;
  /** of this node, that may announce */
  readonly attachments: readonly Attachment[];
  readonly addresses: readonly AddressReport[];
  readonly peers: readonly PeerReport[];
  readonly counters: ThreadCounters;
}

/** Since the thread began; by label values. */
export interface ThreadCounters {
  readonly announcements: Readonly<Record<string, number>>;
  /** `IPv4 answered` */
  readonly requests: Readonly<Record<string, number>>;
  readonly packetDrops: Readonly<Record<string, number>>;
  readonly answerSeconds: DurationCounts;
  readonly beatsDropped: Readonly<Record<string, number>>;
  /** by errno's name */
  readonly beatsUnsent: Readonly<Record<string, number>>;
  readonly pauses: number;
}
