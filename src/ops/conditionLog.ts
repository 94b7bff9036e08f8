/**
 * The log lines of conditions: one at the beginning, one when the reason changes, a reminder now
 * and then, and one at the end if the beginning was told and the condition has words for it.
 */
import type { Clock } from '../time/clock.ts';
import {
  type ConditionReport,
  type ConditionTeller,
  keyOf,
  type StandingCondition,
} from './conditions.ts';
import type { Logger } from './log.ts';
import { StandingTrouble } from './standingTrouble.ts';

export class ConditionLog implements ConditionTeller {
  readonly #log: Logger;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #troubles = new Map<string, StandingTrouble>();

  constructor(log: Logger, clock: Pick<Clock, 'monotonicMs'>) {
    this.#log = log;
    this.#clock = clock;
  }

  stands(standing: StandingCondition): void {
    const { isTold, otherwise } = standing.report;
    const isDue = this.#isDue(standing);
    if (isDue && isTold !== true) this.#write(standing);
    if (!isDue && otherwise !== undefined) {
      this.#log.verbose(2, otherwise.message, otherwise.fields);
    }
  }

  lasts(standing: StandingCondition): void {
    if (this.#isDue(standing)) this.#write(standing);
  }

  ends({ condition, subject }: StandingCondition, isOver: boolean): void {
    const key = keyOf(condition, subject);
    const wasTold = this.#troubles.get(key)?.ends() === true;
    this.#troubles.delete(key);
    if (isOver && wasTold && condition.end !== undefined) this.#log.info(condition.end);
  }

  #isDue({ condition, subject, report }: StandingCondition): boolean {
    if (condition.isSilent === true) return false;
    const key = keyOf(condition, subject);
    const trouble = this.#troubles.get(key) ?? new StandingTrouble();
    this.#troubles.set(key, trouble);
    return trouble.persists(reasonOf(report), this.#clock.monotonicMs());
  }

  #write({ condition, report: { message, error, fields } }: StandingCondition): void {
    if (condition.severity === 'error') this.#log.error(message, error, fields);
    else this.#log.warning(message, fields);
  }
}

function reasonOf({ reason, error, message }: ConditionReport): string {
  if (reason !== undefined) return reason;
  return error instanceof Error ? error.message : message;
}
