/** Problems of objects and files, told once each: when they appear, and when they are gone. */
import { formatProblem, isRemark, type Problem } from '../../model/problem.ts';

export interface ProblemNews {
  readonly appeared: readonly Problem[];
  readonly cleared: readonly Problem[];
}

export class ProblemBook {
  readonly #byOrigin = new Map<string, ReadonlyMap<string, Problem>>();

  /** Without remarks. */
  get size(): number {
    const all = [...this.#byOrigin.values()].flatMap((problems) => [...problems.values()]);
    return all.filter((problem) => !isRemark(problem)).length;
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
