/**
 * The conditions of one part that may stop before the process does: then nobody looks after them.
 */
import {
  type Condition,
  type ConditionReport,
  type Conditions,
  keyOf,
  type StandingCondition,
} from './conditions.ts';

export class ConditionScope implements Pick<Conditions, 'set' | 'clear'> {
  readonly #conditions: Conditions;
  readonly #standing = new Map<string, Pick<StandingCondition, 'condition' | 'subject'>>();
  #isClosed = false;

  constructor(conditions: Conditions) {
    this.#conditions = conditions;
  }

  set(condition: Condition, subject: string, report: ConditionReport): void {
    if (this.#isClosed) return;
    this.#standing.set(keyOf(condition, subject), { condition, subject });
    this.#conditions.set(condition, subject, report);
  }

  clear(condition: Condition, subject: string): StandingCondition | undefined {
    if (this.#isClosed) return undefined;
    this.#standing.delete(keyOf(condition, subject));
    return this.#conditions.clear(condition, subject);
  }

  /** Forgets what stands; nothing more is taken. */
  close(): void {
    this.#isClosed = true;
    for (const { condition, subject } of this.#standing.values()) {
      this.#conditions.forget(condition, subject);
    }
    this.#standing.clear();
  }
}
