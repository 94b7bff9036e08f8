/** What is wrong with one field of an input, in the form every command prints and `plan -o json` lists. */

export interface Problem {
  /** dotted path, led by the object where there is one: `Service/default/web.spec.ports[0].port` */
  readonly path: string;
  /** the offending value as it was found */
  readonly value: unknown;
  /** one sentence: what is wrong, what happens because of it, what would be right */
  readonly problem: string;
  /** `FILE:LINE:COLUMN` of the value, for what was read from a file */
  readonly source?: string;
}

/** One line for a log or a terminal, whatever characters names and values hold. */
export function formatProblem(problem: Problem): string {
  const value = problem.value === undefined ? '' : ` (${JSON.stringify(problem.value)})`;
  const { source, path } = problem;
  // What is wrong with a file as a whole has the file for its path: once is enough.
  const place = source === undefined ? '' : `${source}: `;
  const subject = source?.startsWith(`${path}:`) ? source : place + path;
  const line = `${subject}${value}: ${problem.problem}`;
  return line.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
