/**
 * What the loop tells of a round and of what is beside the rounds, for whoever reports it or waits
 * for what was applied.
 */
import type { DriftCounts } from '../dataplane/driftKinds.ts';
import type { ApplyReport, Operation } from '../dataplane/operations.ts';
import type { Part } from '../dataplane/part.ts';

export interface RoundOutcome {
  readonly isFull: boolean;
  readonly planned: readonly Operation[];
  readonly report: ApplyReport;
  /** subjects that failed in this round and not before */
  readonly newlyFailed: readonly { operation: Operation; error: Error }[];
  /** what somebody else had changed and is right again, by kind */
  readonly repaired: DriftCounts;
  readonly durationMs: number;
  /** what of it went into what; the rest is waiting for a reading */
  readonly phasesMs: Readonly<Record<'compile' | 'compare' | 'apply', number>>;
}

export interface ReadingOutcome {
  /** could not be read: it stays as it is */
  readonly unread: ReadonlyMap<Part, Error>;
  /** was written and reads back as something else: it is not written again */
  readonly unconfirmed: ReadonlyMap<Part, Error>;
  readonly durationMs: number;
  /** to the next reading */
  readonly nextInMs: number;
}

/** What is done beside the rounds: looking at draining destinations, writing the ledger. */
export type Chore = 'drain' | 'ledger';
