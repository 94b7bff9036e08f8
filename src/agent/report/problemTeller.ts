/**
 * Says what is wrong with objects and files, and what a kernel refuses: a line and an Event when a
 * problem appears, a quiet line when it is solved. Who reports gives the problems of what changed;
 * what is news about them is decided here.
 */
import type { EventRecorder } from '../../cluster/events.ts';
import { formatProblem, isRemark, type Problem } from '../../model/problem.ts';
import type { Logger } from '../../ops/log.ts';
import { ProblemBook } from './problemBook.ts';
import { eventOf } from './problemEvent.ts';
import { speaksFor } from './speaker.ts';

export interface ProblemTellerParts {
  readonly log: Logger;
  readonly nodeName: string;
  /** absent without an API server */
  readonly events: EventRecorder | undefined;
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
const MAX_HELD = 100;

export class ProblemTeller {
  readonly #parts: ProblemTellerParts;
  readonly #books: Readonly<Record<Reviewer, ProblemBook>> = {
    source: new ProblemBook(),
    services: new ProblemBook(),
    kernel: new ProblemBook(),
  };

  /** until all Nodes are known, so that it is known who posts */
  #held: [Problem, Reviewer][] = [];
  #nodes: ReadonlyMap<string, unknown> | undefined;

  constructor(parts: ProblemTellerParts) {
    this.#parts = parts;
  }

  /** All Nodes are listed. @param nodes live, by name */
  nodesKnown(nodes: ReadonlyMap<string, unknown>): void {
    this.#nodes = nodes;
    for (const [problem, reviewer] of this.#held.splice(0)) this.#post(problem, reviewer);
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
    for (const problem of problems.slice(0, MAX_LINES)) {
      log.warning(formatProblem(problem));
      this.#post(problem, reviewer);
    }
    const untold = problems.length - MAX_LINES;
    if (untold > 0) log.warning(`${untold} more problems: \`kube-ipvs plan\` lists them all`);
  }

  #post(problem: Problem, reviewer: Reviewer): void {
    const { events, nodeName } = this.#parts;
    if (events === undefined) return;
    if (this.#nodes === undefined) {
      if (this.#held.length < MAX_HELD) this.#held.push([problem, reviewer]);
      return;
    }
    const event = eventOf(problem, nodeName);
    // What a kernel refuses, another's may not: whoever sees that says so.
    const isEverywhere = reviewer === 'source' || reviewer === 'services';
    if (event === undefined) return;
    if (isEverywhere && !speaksFor(this.#nodes.keys(), nodeName, problem.path)) return;
    events.record(event);
  }
}
