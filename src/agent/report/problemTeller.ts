/**
 * Says what is wrong with objects and files, and what a kernel refuses: a line and an Event when a
 * problem appears, a quiet line when it is solved. Who reports gives the problems of what changed;
 * what is news about them is decided here.
 */
import type { EventRecorder } from '../../cluster/events.ts';
import { formatProblem, isRemark, type Problem } from '../../model/problem.ts';
import type { Logger } from '../../ops/log.ts';
import { ProblemBook } from './problemBook.ts';
import { causeOf, eventsOf } from './problemEvent.ts';
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
/** Of a cluster in which very much is wrong. */
const MAX_HELD = 10_000;

export class ProblemTeller {
  readonly #parts: ProblemTellerParts;
  readonly #books: Readonly<Record<Reviewer, ProblemBook>> = {
    source: new ProblemBook(),
    services: new ProblemBook(),
    kernel: new ProblemBook(),
  };

  /** until all Nodes are known, so that it is known who posts */
  readonly #held: [Problem, Reviewer][] = [];
  #nodes: ReadonlyMap<string, unknown> | undefined;

  constructor(parts: ProblemTellerParts) {
    this.#parts = parts;
  }

  /** All Nodes are listed. @param nodes live, by name */
  nodesKnown(nodes: ReadonlyMap<string, unknown>): void {
    this.#nodes = nodes;
    const held = this.#held.splice(0);
    for (const by of ['source', 'services', 'kernel'] as const)
      this.#post(
        held.filter(([, reviewer]) => reviewer === by).map(([problem]) => problem),
        by,
      );
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
    if (events === undefined) return;
    const nodes = this.#nodes;
    if (nodes === undefined) {
      const room = MAX_HELD - this.#held.length;
      for (const problem of problems.slice(0, room)) this.#held.push([problem, reviewer]);
      return;
    }
    // What a kernel refuses, another's may not: whoever sees that says so.
    const isEverywhere = reviewer !== 'kernel';
    for (const event of eventsOf(problems, nodeName)) {
      if (isEverywhere && !speaksFor(nodes.keys(), nodeName, causeOf(event))) continue;
      events.record(event);
    }
  }
}
