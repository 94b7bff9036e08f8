/** What the announcer's thread stands on. */
import type { Address } from '../../net/address.ts';
import type { Clock } from '../../time/clock.ts';
import type { News, ThreadReport, ThreadStart } from '../announcer/messages.ts';
import type { AnswerPort, ForeignAnswer } from '../announcer/ports.ts';
import type { HeartbeatLink } from './heartbeatLink.ts';

/** What it works with, made by announcerWorker.ts. */
export interface ThreadTools {
  readonly wire: AnswerPort & {
    setKnown(addresses: ReadonlySet<Address>): void;
    drain(): void;
    counters(): Omit<ThreadReport['counters'], 'beatsDropped' | 'beatsUnsent' | 'pauses'>;
  };
  readonly link: Pick<HeartbeatLink, 'send' | 'families'>;
}

/** A frame by which somebody else says that an address is his. */
export interface ForeignSighting extends ForeignAnswer {
  readonly address: Address;
  readonly isAnnouncement: boolean;
}

export interface ThreadParts {
  readonly start: ThreadStart;
  readonly clock: Clock;
  readonly post: (news: News) => void;
  /** 64 random bits, not 0 */
  readonly bootId: bigint;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}
