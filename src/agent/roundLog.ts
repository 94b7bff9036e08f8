/**
 * The lines about rounds, readings and chores of the sync loop: what failed is told when it is new, with the Service that it is
 * about, again now and then while it lasts, and once when it is over.
 */
import {
  type DataplaneState,
  type Destination,
  type Part,
  type ServerKey,
  serverKey,
} from '../dataplane/state.ts';
import { LEDGER_FILE } from '../kernel/ledger.ts';
import type { Clock } from '../ops/clock.ts';
import type { LogFields, Logger } from '../ops/log.ts';
import { HeldBackError } from '../plan/holdBack.ts';
import { type Operation, operationSubject } from '../dataplane/operations.ts';
import { type FailureOwner, FailureOwners } from './failureOwners.ts';
import type { StandingFailure } from './retryBook.ts';
import { StandingTrouble } from './standingTrouble.ts';
import type { Chore, ReadingOutcome, RoundOutcome } from '../plan/round.ts';

export interface RoundLogParts {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

const MAX_FAILURE_LINES = 10;
const MAX_PARTS = 5;

const CHORE_TEXTS: Readonly<Record<Chore, { readonly failed: string; readonly works: string }>> = {
  drain: {
    failed:
      'connections of draining destinations cannot be counted: they stay until they can; it is tried again',
    works: 'connections of draining destinations can be counted again',
  },
  ledger: {
    failed: `${LEDGER_FILE} cannot be written: after a restart now, NodePorts that went meanwhile would stay in the kernel; it is tried again`,
    works: `${LEDGER_FILE} is written again`,
  },
};

export class RoundLog {
  readonly #parts: RoundLogParts;
  readonly #roundTrouble = new StandingTrouble();
  readonly #readingTrouble = new StandingTrouble();
  readonly #unconfirmedTrouble = new StandingTrouble();
  readonly #operationTrouble = new StandingTrouble();
  readonly #choreTroubles: Readonly<Record<Chore, StandingTrouble>> = {
    drain: new StandingTrouble(),
    ledger: new StandingTrouble(),
  };
  #isFirstRoundDone = false;

  constructor(parts: RoundLogParts) {
    this.#parts = parts;
  }

  /** @param standing all that wait for their next try */
  done(outcome: RoundOutcome, desired: DataplaneState, standing: readonly StandingFailure[]): void {
    if (this.#roundTrouble.ends()) this.#parts.log.info('the kernel can be compared again');
    this.#tell(outcome, desired);
    this.#tellStanding(outcome, standing);
  }

  /** It is tried again. */
  givenUp(error: Error, retryInMs: number): void {
    const { log, clock } = this.#parts;
    const retry = `trying again in ${(retryInMs / 1000).toFixed(1)} s`;
    if (this.#roundTrouble.persists(error.message, clock.monotonicMs()))
      log.error(`the kernel could not be compared with what should be; ${retry}`, error);
    else log.verbose(2, `still failing; ${retry}`, { err: error.message });
  }

  /** After each reading of the kernel; what is not in `unread` is compared now. */
  read({ unread, unconfirmed, nextInMs }: ReadingOutcome): void {
    const { log, clock } = this.#parts;
    this.#tellUnconfirmed(unconfirmed);
    const [first] = unread.values();
    if (first === undefined) {
      if (this.#readingTrouble.ends()) log.info('everything can be read from the kernel again');
      return;
    }
    const parts = [...unread.keys()];
    const more = parts.length > MAX_PARTS ? ` and ${parts.length - MAX_PARTS} more` : '';
    const retry = `trying again in ${(nextInMs / 1000).toFixed(1)} s`;
    const message = `cannot be read from the kernel: ${parts.slice(0, MAX_PARTS).join(', ')}${more}; that stays as it is, everything else goes on; ${retry}`;
    if (this.#readingTrouble.persists(parts.join(), clock.monotonicMs())) log.error(message, first);
    else log.verbose(2, message, { err: first.message });
  }

  #tellUnconfirmed(unconfirmed: ReadonlyMap<Part, Error>): void {
    const { log, clock } = this.#parts;
    const [first] = unconfirmed;
    if (first === undefined) {
      if (this.#unconfirmedTrouble.ends()) log.info('all rules read back as they were written');
      return;
    }
    const [part, error] = first;
    if (this.#unconfirmedTrouble.persists(part, clock.monotonicMs())) log.error(part, error);
  }

  /** See {@link SyncLoopEvents.onChore}. */
  chore(chore: Chore, error: Error | undefined): void {
    const { log, clock } = this.#parts;
    const trouble = this.#choreTroubles[chore];
    const { failed, works } = CHORE_TEXTS[chore];
    if (error === undefined) {
      if (trouble.ends()) log.info(works);
    } else if (trouble.persists(error.message, clock.monotonicMs())) log.error(failed, error);
  }

  #tell({ isFull, report, newlyFailed, durationMs }: RoundOutcome, desired: DataplaneState): void {
    const { log } = this.#parts;
    const causes = withoutConsequences(newlyFailed);
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
      operations: report.done.length,
      failed: report.failed.length,
      kernelWrites: report.kernelWrites,
      durationMs: Math.round(durationMs * 10) / 10,
    };
    if (!this.#isFirstRoundDone) log.info('first sync done', fields);
    else if (isFull && report.done.length > 0) log.info('audit corrected the kernel', fields);
    else log.verbose(2, isFull ? 'audit' : 'sync', fields);
    this.#isFirstRoundDone = true;
  }

  /** Failures are told when they are new; this is for whoever looks later, and for their end. */
  #tellStanding({ newlyFailed }: RoundOutcome, standing: readonly StandingFailure[]): void {
    const { log, clock } = this.#parts;
    const [example] = standing;
    if (example === undefined) {
      if (this.#operationTrouble.ends())
        log.info('nothing fails any more: the kernel is as it should be');
      return;
    }
    const isDue = this.#operationTrouble.persists('', clock.monotonicMs());
    if (isDue && newlyFailed.length === 0)
      log.error(
        `${standing.length} operations keep failing and are tried again, one of them with`,
        example.error,
      );
  }
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

/** Without what was held back, and destinations whose virtual server failed in the same round. */
function withoutConsequences(failures: RoundOutcome['newlyFailed']): RoundOutcome['newlyFailed'] {
  const servers = failures.filter(({ operation }) => operation.op === 'addServer');
  const failed = new Set(servers.map(({ operation }) => serverOf(operation)));
  const own = failures.filter(({ error }) => !(error instanceof HeldBackError));
  return own.filter(
    ({ operation }) => operation.op !== 'addDestination' || !failed.has(serverOf(operation)),
  );
}

function serverOf(operation: Operation): ServerKey | undefined {
  return 'server' in operation ? serverKey(operation.server) : undefined;
}
