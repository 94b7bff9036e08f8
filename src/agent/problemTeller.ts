/**
 * Says what is wrong with objects, files and this node: a line and an Event when a problem appears, a quiet line when it is solved.
 * Who reports gives the problems of what changed; what is news about them is decided here.
 */
import type { EventRecorder, EventSubject } from '../cluster/events.ts';
import { formatProblem, type Problem } from '../model/problem.ts';
import type { Logger } from '../ops/log.ts';
import { ProblemBook } from './problemBook.ts';

export interface ProblemTellerParts {
  readonly log: Logger;
  /** absent without an API server */
  readonly events: EventRecorder | undefined;
}

/** Who looked: the source at what it read, the compiler at Services. */
export type Reviewer = 'source' | 'services';

/** By what was looked at: an object's key, a file. An empty list says that nothing is wrong with it any more. */
export type ProblemsByOrigin = ReadonlyMap<string, readonly Problem[]>;

const MAX_LINES = 50;

export class ProblemTeller {
  readonly #parts: ProblemTellerParts;
  readonly #books: Readonly<Record<Reviewer, ProblemBook>> = {
    source: new ProblemBook(),
    services: new ProblemBook(),
  };

  constructor(parts: ProblemTellerParts) {
    this.#parts = parts;
  }

  /** How many stand now. */
  get size(): number {
    return Object.values(this.#books).reduce((sum, book) => sum + book.size, 0);
  }

  /** What is not mentioned stays as it was. */
  update(reviewer: Reviewer, problems: ProblemsByOrigin): void {
    const news = [...problems].map(([origin, all]) => this.#books[reviewer].update(origin, all));
    this.#tellAppeared(news.flatMap(({ appeared }) => appeared));
    for (const problem of news.flatMap(({ cleared }) => cleared))
      this.#parts.log.verbose(1, `solved: ${formatProblem(problem)}`);
  }

  /** What is not mentioned has nothing wrong with it. */
  replace(reviewer: Reviewer, problems: ProblemsByOrigin): void {
    const gone = this.#books[reviewer].origins.filter((origin) => !problems.has(origin));
    this.update(reviewer, new Map([...problems, ...gone.map((origin) => [origin, []] as const)]));
  }

  #tellAppeared(appeared: readonly Problem[]): void {
    const { log, events } = this.#parts;
    const untold = appeared.length - MAX_LINES;
    for (const problem of appeared.slice(0, MAX_LINES)) {
      const note = formatProblem(problem);
      log.warning(note);
      const regarding = serviceOf(problem);
      if (regarding === undefined) continue;
      events?.record({ regarding, type: 'Warning', reason: 'NotProxied', action: 'Sync', note });
    }
    if (untold > 0) log.warning(`${untold} more problems: \`kube-ipvs plan\` lists them all`);
  }
}

/** `Service/ns/name.spec…` → the Service an Event is about. */
function serviceOf({ path }: Problem): EventSubject | undefined {
  const [, namespace, name] = /^Service\/([^/]+)\/([^.]+)\./.exec(path) ?? [];
  return namespace === undefined || name === undefined
    ? undefined
    : { kind: 'Service', namespace, name };
}
