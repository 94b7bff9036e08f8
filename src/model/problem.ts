/**
 * What is wrong with one field of an input, in the form every command prints and `plan -o json`
 * lists.
 */
import { type Consequence, ENDINGS, isHarmless, reasonOf } from './consequence.ts';

export interface Problem {
  /** dotted path, led by the object where there is one: `Service/default/web.spec.ports[0].port` */
  readonly path: string;
  /** the offending value as it was found */
  readonly value: unknown;
  /** what is wrong, and what would be right; how the sentence ends follows from the consequence */
  readonly problem: string;
  /** what happens because of it; absent for flags, configuration and whole files */
  readonly consequence?: Consequence;
  /** `FILE:LINE:COLUMN` of the value, for what was read from a file */
  readonly source?: string;
  /** `ns/name` of the Service that suffers, where the path does not name it */
  readonly service?: string;
}

/** Whether everything that the object asks for is served all the same. */
export function isRemark({ consequence }: Problem): boolean {
  return consequence !== undefined && isHarmless(consequence);
}

/** What is wrong, what would be right, and what happens because of it. */
export function sentenceOf({ problem, consequence }: Problem): string {
  return consequence === undefined ? problem : problem + ENDINGS[consequence];
}

/** As `-o json` lists it: the sentence whole, with the word for programs beside it. */
export function problemToJson(problem: Problem): object {
  const { value, ...rest } = problem;
  return {
    ...rest,
    problem: sentenceOf(problem),
    ...(rest.consequence === undefined ? {} : { consequence: reasonOf(rest.consequence) }),
    value: value ?? null,
  };
}

/** One line for a log or a terminal, whatever characters names and values hold. */
export function formatProblem(problem: Problem): string {
  const value = problem.value === undefined ? '' : ` (${JSON.stringify(problem.value)})`;
  const { source, path } = problem;
  // What is wrong with a file as a whole has the file for its path: once is enough.
  const place = source === undefined ? '' : `${source}: `;
  const subject = source?.startsWith(`${path}:`) ? source : place + path;
  const line = `${subject}${value}: ${sentenceOf(problem)}`;
  return line.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
