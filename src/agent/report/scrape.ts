/** What the metrics ask of the agent at each scrape, from the parts that know it. */
import { emptyState } from '../../dataplane/state.ts';
import type { Conditions } from '../../ops/conditions.ts';
import { type Observation, StateMeasure } from '../../ops/stateMetrics.ts';
import type { DrainBook } from '../../plan/drain.ts';
import type { Clock } from '../../time/clock.ts';
import { OTHER_PROXY } from '../conditions.ts';
import type { KernelView } from '../loop/kernelView.ts';
import { countNodeProblems } from './nodeReview.ts';
import type { RetryBook } from '../loop/retryBook.ts';

/** There from the first reading of the cluster. */
export interface Observed {
  readonly view: KernelView;
  readonly retries: RetryBook;
  readonly drain: DrainBook;
}

export interface ScrapeParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly conditions: Conditions;
  /** that stand now; those of the node apart */
  readonly problems: () => number;
}

/** What is known before the first reading. */
const NOTHING = emptyState();

export class Scrape {
  readonly #parts: ScrapeParts;
  readonly #measure: StateMeasure;
  observed: Observed | undefined;
  isSourceConnected = false;
  lastAuditAtMs: number | undefined;

  constructor(parts: ScrapeParts) {
    this.#parts = parts;
    this.#measure = new StateMeasure(parts.clock);
  }

  observation(): Observation {
    const { conditions, problems } = this.#parts;
    const { view, retries, drain } = this.observed ?? {};
    return {
      sizes: this.#measure.sizesOf(view?.isKnown === true ? view.state : NOTHING),
      isSourceConnected: this.isSourceConnected,
      problems: problems() + countNodeProblems(conditions),
      drainingDestinations: drain?.size ?? 0,
      failingOperations: retries?.size ?? 0,
      unreadParts: view?.unread.size ?? 0,
      lastAuditAtMs: this.lastAuditAtMs,
      isOtherProxySeen: conditions.countOf(OTHER_PROXY) > 0,
    };
  }
}
