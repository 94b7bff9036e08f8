/**
 * The lines about rounds of the sync loop, which tell what failed when it is new, with the Service
 * that it is about; and the conditions that rounds, readings and chores make, and end.
 */
import { type DataplaneState, type Destination } from '../../dataplane/state.ts';
import type { Part } from '../../dataplane/part.ts';
import { LEDGER_FILE } from '../../kernel/ledger.ts';
import type { LogFields, Logger } from '../../ops/log.ts';
import { HeldBackError } from '../../plan/holdBack.ts';
import { operationSubject } from '../../dataplane/operations.ts';
import type { Condition, Conditions } from '../../ops/conditions.ts';
import {
  DRAINS_NOT_COUNTED,
  KERNEL_NOT_COMPARED,
  KERNEL_PARTLY_UNREAD,
  LEDGER_NOT_WRITTEN,
  OPERATIONS_FAILING,
  RULES_UNCONFIRMED,
} from '../conditions.ts';
import { causesAmong } from './causes.ts';
import { type FailureOwner, FailureOwners } from './failureOwners.ts';
import type { StandingFailure } from '../loop/retryBook.ts';
import type { Chore, ReadingOutcome, RoundOutcome } from '../../plan/round.ts';

export interface RoundLogParts {
  readonly log: Logger;
  readonly conditions: Conditions;
}

const MAX_FAILURE_LINES = 10;
const MAX_PARTS = 5;

/** What all of these conditions are about. */
const KERNEL = 'kernel';

const CHORES: Readonly<
  Record<
    Chore,
    { readonly condition: Condition; readonly subject: string; readonly failed: string }
  >
> = {
  drain: {
    condition: DRAINS_NOT_COUNTED,
    subject: KERNEL,
    failed:
      'connections of draining destinations cannot be counted: they stay until they can; it is tried again',
  },
  ledger: {
    condition: LEDGER_NOT_WRITTEN,
    subject: LEDGER_FILE,
    failed: `${LEDGER_FILE} cannot be written: after a restart now, NodePorts that went meanwhile would stay in the kernel; it is tried again`,
  },
};

export class RoundLog {
  readonly #parts: RoundLogParts;
  #isFirstRoundDone = false;

  constructor(parts: RoundLogParts) {
    this.#parts = parts;
  }

  /** @param standing all that wait for their next try */
  done(outcome: RoundOutcome, desired: DataplaneState, standing: readonly StandingFailure[]): void {
    this.#parts.conditions.clear(KERNEL_NOT_COMPARED, KERNEL);
    this.#tell(outcome, desired);
    this.#judgeStanding(outcome, standing);
  }

  /** It is tried again. */
  givenUp(error: Error, retryInMs: number): void {
    const retry = retryText(retryInMs);
    this.#parts.conditions.set(KERNEL_NOT_COMPARED, KERNEL, {
      message: `the kernel could not be compared with what should be; ${retry}`,
      error,
      otherwise: { message: `still failing; ${retry}`, fields: { err: error.message } },
    });
  }

  /** After each reading of the kernel; what is not in `unread` is compared now. */
  read({ unread, unconfirmed, nextInMs }: ReadingOutcome): void {
    const { conditions } = this.#parts;
    this.#judgeUnconfirmed(unconfirmed);
    const [error] = unread.values();
    if (error === undefined) {
      conditions.clear(KERNEL_PARTLY_UNREAD, KERNEL);
      return;
    }
    const parts = [...unread.keys()];
    const more = parts.length > MAX_PARTS ? ` and ${parts.length - MAX_PARTS} more` : '';
    const message = `cannot be read from the kernel: ${parts.slice(0, MAX_PARTS).join(', ')}${more}; that stays as it is, everything else goes on; ${retryText(nextInMs)}`;
    const otherwise = { message, fields: { err: error.message } };
    conditions.set(KERNEL_PARTLY_UNREAD, KERNEL, {
      message,
      error,
      reason: parts.join(),
      otherwise,
    });
  }

  #judgeUnconfirmed(unconfirmed: ReadonlyMap<Part, Error>): void {
    const { conditions } = this.#parts;
    const [first] = unconfirmed;
    if (first === undefined) {
      conditions.clear(RULES_UNCONFIRMED, KERNEL);
      return;
    }
    const [part, error] = first;
    conditions.set(RULES_UNCONFIRMED, KERNEL, { message: part.text, error, reason: part.text });
  }

  /** See {@link SyncLoopEvents.onChore}. */
  chore(chore: Chore, error: Error | undefined): void {
    const { conditions } = this.#parts;
    const { condition, subject, failed } = CHORES[chore];
    if (error === undefined) conditions.clear(condition, subject);
    else conditions.set(condition, subject, { message: failed, error });
  }

  #tell(outcome: RoundOutcome, desired: DataplaneState): void {
    const { isFull, report, newlyFailed, repaired, durationMs } = outcome;
    const { log } = this.#parts;
    const causes = causesAmong(newlyFailed);
    const held = newlyFailed.filter(({ error }) => error instanceof HeldBackError);
    if (held.length > 0)
      log.error(
        `new addresses and servers that do not attract traffic yet: ${held.length}`,
        held[0]!.error,
      );
    const owners = new FailureOwners(desired);
    for (const { operation, error } of causes.slice(0, MAX_FAILURE_LINES)) {
      log.error(
        `${operationSubject(operation)}: ${operation.op} failed; it will be tried again`,
        error,
        namesOf(owners.ownerOf(operation)),
      );
    }
    const untold = causes.length - MAX_FAILURE_LINES;
    if (untold > 0) log.error(`${untold} more operations failed in this round`);
    const fields = {
      ...Object.fromEntries(repaired),
      operations: report.done.length,
      failed: report.failed.length,
      kernelWrites: report.kernelWrites,
      durationMs: Math.round(durationMs * 10) / 10,
    };
    if (!this.#isFirstRoundDone) log.info('first sync done', fields);
    else if (isFull && report.done.length > 0) log.info('audit corrected the kernel', fields);
    else if (repaired.size > 0) log.info('put right what somebody else had changed', fields);
    else log.verbose(2, isFull ? 'audit' : 'sync', fields);
    this.#isFirstRoundDone = true;
  }

  /** Failures are told when they are new; this is for whoever looks later, and for their end. */
  #judgeStanding({ newlyFailed }: RoundOutcome, standing: readonly StandingFailure[]): void {
    const { conditions } = this.#parts;
    const [example] = standing;
    if (example === undefined) {
      conditions.clear(OPERATIONS_FAILING, KERNEL);
      return;
    }
    conditions.set(OPERATIONS_FAILING, KERNEL, {
      message: `${standing.length} operations keep failing and are tried again, one of them with`,
      error: example.error,
      reason: '',
      isTold: newlyFailed.length > 0,
    });
  }
}

function retryText(retryInMs: number): string {
  return `trying again in ${(retryInMs / 1000).toFixed(1)} s`;
}

/** For whoever reads the line and knows Services, not addresses. */
function namesOf(owner: FailureOwner | undefined): LogFields | undefined {
  if (owner === undefined) return undefined;
  const { label, destination } = owner;
  return { service: label, ...(destination === undefined ? {} : namesOfEndpoint(destination)) };
}

function namesOfEndpoint({ endpoint, target }: Destination): LogFields {
  return { endpoint, ...(target === undefined ? {} : { target }) };
}
