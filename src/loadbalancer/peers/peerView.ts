/** Another node as its heartbeats show it. */
import type { Address } from '../../net/address.ts';
import type { Attachment } from '../../wire/heartbeatBody.ts';

/** Unknown: not heard since our own start. Leaving: alive, and about to go. */
export type PeerState = 'Unknown' | 'Alive' | 'Dead' | 'Leaving';

/** Dead or never heard is everybody else. */
export function isHeard({ state }: Pick<PeerView, 'state'>): boolean {
  return state === 'Alive' || state === 'Leaving';
}

export interface PeerView {
  readonly state: PeerState;
  /** since it was heard last, or since a pause of ours; of an Unknown one Infinity */
  readonly silenceMs: number;
  /**
   * When it spoke last it had heard us so lately that we cannot be dead to it: the datagram of ours
   * that it echoed was younger than what makes a node dead.
   */
  readonly hearsUs: boolean;
  readonly isReady: boolean;
  /** never announces */
  readonly isObserver: boolean;
  readonly isApiServerReachable: boolean;
  /** how long its process has been ready; not longer than since we saw it come back from Dead */
  readonly aliveForMs: number;
  /** empty unless it is Alive or Leaving */
  readonly claims: ReadonlySet<Address>;
  /** what it cannot serve */
  readonly unable: ReadonlySet<Address>;
  /** undefined: not told yet by this process of it */
  readonly attachments: readonly Attachment[] | undefined;
  /** undefined: not heard yet */
  readonly configurationHash: number | undefined;
}

/**
 * Why an authentic datagram counts for nothing: of a name that is no other Node here; not from an
 * address of that Node; of our own name; heard before, or too old; of a process of that node that
 * has not shown that it hears us; a list in more parts than any node has.
 */
export type PeerRefusal =
  'unknownNode' | 'sourceAddress' | 'ownName' | 'replay' | 'unacceptedBoot' | 'parts';
