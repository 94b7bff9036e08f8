/**
 * What is wrong with this node as long as it lasts: a condition is defined once, and set and
 * cleared with the subject that it is about. Nothing is told here: log, Events, health and the
 * metric are tellers of their own (conditionLog.ts, conditionEvents.ts, conditionHealth.ts,
 * conditionMetric.ts), and each hears of every change. What is wrong with one object is a Problem.
 */
import type { Family } from '../net/family.ts';
import type { Clock } from '../time/clock.ts';
import type { LogFields } from './log.ts';

export interface Condition {
  /**
   * what programs know it by: a label of the metric, a word of /healthz, a row of
   * docs/conditions.md
   */
  readonly code: string;
  /** of its log lines */
  readonly severity: 'error' | 'warning';
  /**
   * `programming`: /healthz fails when it has stood for the time-out, as it does when changes have
   * waited for so long. `eligibility`: the node is to get no new traffic, and /healthz says so at
   * once. `readiness`: /readyz and /healthz fail as long as it stands.
   */
  readonly affectsHealth: false | 'programming' | 'eligibility' | 'readiness';
  /** what is the matter, in a few words, for documents */
  readonly title: string;
  /**
   * the line when it is over; without one whoever clears it has told, or there is nothing to tell
   */
  readonly end?: string;
  /** nobody sets it again while it lasts: {@link Conditions.remind} calls it to mind */
  readonly isSteady?: boolean;
  /** no lines: it follows from what has lines of its own */
  readonly isSilent?: boolean;
  /** the Event on the Node at its beginning; none by default */
  readonly event?: { readonly reason: string; readonly action: string };
}

/** What is to be said of it now. */
export interface ConditionReport {
  readonly message: string;
  readonly error?: unknown;
  readonly fields?: LogFields;
  /**
   * the same for reports that are one and the same to a reader; by default the error's message, or
   * the report's
   */
  readonly reason?: string;
  /** those that it hits; all by default */
  readonly families?: readonly Family[];
  /** lines were written already: only later reports are worth one */
  readonly isTold?: boolean;
  /** written at `-v 2` whenever the report is not worth a line */
  readonly otherwise?: { readonly message: string; readonly fields?: LogFields };
}

export interface StandingCondition {
  readonly condition: Condition;
  readonly subject: string;
  /** monotonic */
  readonly sinceMs: number;
  /** the last one */
  readonly report: ConditionReport;
}

export interface ConditionTeller {
  /** It was set, for the first time or again. */
  stands(standing: StandingCondition, isNew: boolean): void;
  /** It goes on, and nobody sets it again. */
  lasts?(standing: StandingCondition): void;
  /** @param isOver else nobody looks any more whether it is */
  ends(standing: StandingCondition, isOver: boolean): void;
}

export interface ConditionsOptions {
  /** those that are counted from the start, so that an alert can name them */
  readonly known: readonly Condition[];
  readonly tellers: readonly ConditionTeller[];
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** As a value; nothing happens by it. */
export function defineCondition<const Defined extends Condition>(condition: Defined): Defined {
  return condition;
}

export class Conditions {
  readonly #options: ConditionsOptions;
  readonly #standing = new Map<string, StandingCondition>();
  readonly #derived = new Map<Condition, () => readonly string[]>();

  constructor(options: ConditionsOptions) {
    this.#options = options;
  }

  /**
   * It is so, still or from now on. @param subject what has it: a family, a server's name, an
   * object
   */
  set(condition: Condition, subject: string, report: ConditionReport): void {
    const key = keyOf(condition, subject);
    const before = this.#standing.get(key);
    const sinceMs = before?.sinceMs ?? this.#options.clock.monotonicMs();
    const standing = { condition, subject, sinceMs, report };
    this.#standing.set(key, standing);
    for (const teller of this.#options.tellers) teller.stands(standing, before === undefined);
  }

  /** It is not so, still or any more. @returns what had stood */
  clear(condition: Condition, subject: string): StandingCondition | undefined {
    return this.#end(condition, subject, true);
  }

  /**
   * Nobody looks any more whether it is so: it does not stand, and no line says that it is over.
   */
  forget(condition: Condition, subject: string): void {
    this.#end(condition, subject, false);
  }

  /**
   * By subject all that have it now; set before others are cleared, so that nothing is well in
   * between. @returns those cleared
   */
  replace(
    condition: Condition,
    reports: ReadonlyMap<string, ConditionReport>,
  ): readonly StandingCondition[] {
    for (const [subject, report] of reports) this.set(condition, subject, report);
    return this.standing
      .filter((each) => each.condition === condition && !reports.has(each.subject))
      .map((each) => this.clear(condition, each.subject)!);
  }

  /**
   * For a condition that nobody sets: who has it is asked whenever somebody looks. It has no lines
   * and no Event.
   */
  derive(condition: Condition, subjects: () => readonly string[]): void {
    this.#derived.set(condition, subjects);
  }

  /** Of the steady ones, now and then; may be called as often as one likes. */
  remind(): void {
    for (const standing of this.#standing.values()) {
      if (standing.condition.isSteady !== true) continue;
      for (const teller of this.#options.tellers) teller.lasts?.(standing);
    }
  }

  /** Set and not cleared, in the order of their beginning. */
  get standing(): readonly StandingCondition[] {
    return [...this.#standing.values()];
  }

  /** How many have it; derived ones apart. */
  countOf(condition: Condition): number {
    return this.standing.filter((each) => each.condition === condition).length;
  }

  /** Standing subjects by code; 0 for those that nothing has. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map(this.#options.known.map(({ code }) => [code, 0]));
    const count = ({ code }: Condition, subjects: number) =>
      counts.set(code, (counts.get(code) ?? 0) + subjects);
    for (const { condition } of this.#standing.values()) count(condition, 1);
    for (const [condition, subjects] of this.#derived) count(condition, subjects().length);
    return counts;
  }

  /** All that something has now, each once. */
  get present(): readonly Condition[] {
    const derived = [...this.#derived].filter(([, subjects]) => subjects().length > 0);
    return [
      ...new Set([
        ...this.standing.map((each) => each.condition),
        ...derived.map(([each]) => each),
      ]),
    ];
  }

  /** Codes of what may keep /healthz from answering 200. */
  get healthCodes(): readonly string[] {
    const affecting = this.present.filter(({ affectsHealth }) => affectsHealth !== false);
    return affecting.map(({ code }) => code);
  }

  #end(condition: Condition, subject: string, isOver: boolean): StandingCondition | undefined {
    const key = keyOf(condition, subject);
    const standing = this.#standing.get(key);
    if (standing === undefined) return undefined;
    this.#standing.delete(key);
    for (const teller of this.#options.tellers) teller.ends(standing, isOver);
    return standing;
  }
}

/** What tellers remember it by. */
export function keyOf({ code }: Condition, subject: string): string {
  return `${code} ${subject}`;
}
