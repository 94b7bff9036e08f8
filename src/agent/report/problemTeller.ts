/**
 * Says what is wrong with objects and files, and what a kernel refuses: a line and an Event when a
 * problem appears, a quiet line when it is solved. Who reports gives the problems of what changed;
 * what is news about them is decided here.
 */
import type { EventRecorder } from '../../cluster/events.ts';
import { formatProblem, isRemark, type Problem } from '../../model/problem.ts';
import type { Logger } from '../../ops/log.ts';
import { Election } from './election.ts';
import { ProblemBook } from './problemBook.ts';
import { eventsOf } from './problemEvent.ts';

export interface ProblemTellerParts {
  readonly log: Logger;
  readonly nodeName: string;
  /** absent without an API server */
  readonly events: EventRecorder | undefined;
  /** absent without an API server */
  readonly countNodes?: (() => Promise<number>) | undefined;
}

/**
 * Who looked: the source at what it read, the compiler at Services, the loop at what the kernel
 * refuses.
 */
export type Reviewer = 'source' | 'services' | 'kernel';

/**
 * By what was looked at: an object's key, a file. An empty list says that nothing is wrong with it
 * any more.
 */
export type ProblemsByOrigin = ReadonlyMap<string, readonly Problem[]>;

const MAX_LINES = 50;

export class ProblemTeller {
  readonly #parts: ProblemTellerParts;
  readonly #books: Readonly<Record<Reviewer, ProblemBook>> = {
    source: new ProblemBook(),
    services: new ProblemBook(),
    kernel: new ProblemBook(),
  };

  readonly #election: Election | undefined;

  constructor(parts: ProblemTellerParts) {
    this.#parts = parts;
    const { events, countNodes } = parts;
    if (events !== undefined && countNodes !== undefined)
      this.#election = new Election({ ...parts, events, countNodes });
  }

  /** How many stand now, remarks apart. */
  get size(): number {
    return Object.values(this.#books).reduce((sum, book) => sum + book.size, 0);
  }

  /** What is not mentioned stays as it was. */
  update(reviewer: Reviewer, problems: ProblemsByOrigin): void {
    const news = [...problems].map(([origin, all]) => this.#books[reviewer].update(origin, all));
    this.#tellAppeared(
      news.flatMap(({ appeared }) => appeared),
      reviewer,
    );
    for (const problem of news.flatMap(({ cleared }) => cleared))
      this.#parts.log.verbose(1, `solved: ${formatProblem(problem)}`);
  }

  /** What is not mentioned has nothing wrong with it. */
  replace(reviewer: Reviewer, problems: ProblemsByOrigin): void {
    const gone = this.#books[reviewer].origins.filter((origin) => !problems.has(origin));
    this.update(reviewer, new Map([...problems, ...gone.map((origin) => [origin, []] as const)]));
  }

  #tellAppeared(appeared: readonly Problem[], reviewer: Reviewer): void {
    const { log } = this.#parts;
    const remarks = appeared.filter(isRemark);
    const problems = appeared.filter((problem) => !isRemark(problem));
    for (const remark of remarks.slice(0, MAX_LINES)) log.verbose(1, formatProblem(remark));
    for (const problem of problems.slice(0, MAX_LINES)) log.warning(formatProblem(problem));
    this.#post(problems, reviewer);
    const untold = problems.length - MAX_LINES;
    if (untold > 0) log.warning(`${untold} more problems: \`kube-ipvs plan\` lists them all`);
  }

  #post(problems: readonly Problem[], reviewer: Reviewer): void {
    const { events, nodeName } = this.#parts;
    const told = eventsOf(problems, nodeName);
    if (reviewer !== 'kernel') return this.#election?.tell(told);
    // What a kernel refuses, another's may not: whoever sees that says so.
    for (const event of told) events?.record(event);
  }
}
