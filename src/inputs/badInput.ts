import type { Problem } from '../model/problem.ts';

/** An input that was named by a flag and is no good: exit code 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super('bad input');
    this.problems = problems;
  }
}
