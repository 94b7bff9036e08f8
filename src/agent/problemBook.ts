/** Problems of objects and files, told once each: when they appear, and when they are gone. */
import { formatProblem, type Problem } from '../model/problem.ts';

export interface ProblemNews {
  readonly appeared: readonly Problem[];
  readonly cleared: readonly Problem[];
}

export class ProblemBook {
  readonly #byOrigin = new Map<string, ReadonlyMap<string, Problem>>();

  get size(): number {
    return [...this.#byOrigin.values()].reduce((sum, problems) => sum + problems.size, 0);
  }

  /** Those with problems. */
  get origins(): readonly string[] {
    return [...this.#byOrigin.keys()];
  }

  /** @param problems all that stand for this origin now */
  update(origin: string, problems: readonly Problem[]): ProblemNews {
    const before = this.#byOrigin.get(origin) ?? new Map<string, Problem>();
    const now = new Map(problems.map((problem) => [formatProblem(problem), problem]));
    if (now.size === 0) this.#byOrigin.delete(origin);
    else this.#byOrigin.set(origin, now);
    return { appeared: without(now, before), cleared: without(before, now) };
  }
}

function without(
  problems: ReadonlyMap<string, Problem>,
  others: ReadonlyMap<string, Problem>,
): Problem[] {
  return [...problems].filter(([text]) => !others.has(text)).map(([, problem]) => problem);
}
