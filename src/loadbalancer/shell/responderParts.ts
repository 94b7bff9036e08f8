/** What the responder is given, and what it tells. */
import type { AnnouncerSettings } from '../../config/loadBalancer/settings.ts';
import type { Address } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import type { MacAddress } from '../../net/macAddress.ts';
import type { Clock } from '../../time/clock.ts';
import type { SendingKind } from '../responder/announcementFrames.ts';
import type { CarrierInterface } from '../responder/carrierInterfaces.ts';
import type { DurationCounts } from '../responder/durations.ts';
import type { Claim } from '../responder/frames.ts';

export interface ResponderOptions {
  readonly settings: Pick<
    AnnouncerSettings,
    'interfaces' | 'excludeInterfaces' | 'refreshIntervalMs'
  >;
  readonly clock: Clock;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** InternalIPs of this Node */
  readonly internalAddresses: readonly Address[];
  readonly listener: ResponderListener;
}

export interface ResponderListener {
  /** What has just been read waited while this process stood still: it is thrown away. */
  isStale?(): boolean;
  /** First before `open` resolves, then at each change. */
  onInterfaces(interfaces: readonly CarrierInterface[]): void;
  /**
   * Another MAC than this node's for an address of `Responder.setKnown`, once a second at
   * most for the same; whose it is is not known here.
   */
  onForeign(seen: ForeignClaim): void;
  /** @param error undefined: it works again */
  onFailure(subject: string, error: unknown): void;
}

export interface ForeignClaim extends Claim {
  readonly mac: MacAddress;
  readonly interfaceName: string;
}

export interface ResponderCounters {
  readonly announcements: Readonly<Record<SendingKind, number>>;
  /** by family, then by outcome */
  readonly requests: Readonly<Record<Family, ReadonlyMap<string, number>>>;
  /** frames lost, by interface */
  readonly packetDrops: ReadonlyMap<string, number>;
  /** from when requests were read to when their answers were with the kernel */
  readonly answerSeconds: DurationCounts;
}
