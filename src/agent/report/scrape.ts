/** What the metrics ask of the agent at each scrape, from the parts that know it. */
import type { IpSet } from '../../dataplane/state.ts';
import type { Conditions } from '../../ops/conditions.ts';
import type { Draining, Observation, SetSize } from '../../ops/stateMetrics.ts';
import { DrainBook } from '../../plan/drain.ts';
import { Tally } from '../../plan/tally.ts';
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
const NOTHING = new Tally();
const NO_DRAINS = new DrainBook();

/** Ports, in a bitmap. */
const PORTS = 65_536;

export class Scrape {
  readonly #parts: ScrapeParts;
  observed: Observed | undefined;
  isSourceConnected = false;
  lastAuditAtMs: number | undefined;

  constructor(parts: ScrapeParts) {
    this.#parts = parts;
  }

  observation(): Observation {
    const { conditions, problems } = this.#parts;
    const { view, retries, drain } = this.observed ?? {};
    return {
      sizes: {
        ...(view?.tally ?? NOTHING),
        sets: view?.isKnown === true ? [...view.state.ipsets.values()].map(sizeOf) : [],
      },
      isSourceConnected: this.isSourceConnected,
      problems: problems() + countNodeProblems(conditions),
      draining: this.#draining(drain ?? NO_DRAINS),
      ipvsConnections: view?.isKnown === true ? view.state.connections : undefined,
      failingOperations: retries?.size ?? 0,
      unreadParts: view?.unread.size ?? 0,
      lastAuditAtMs: this.lastAuditAtMs,
      isOtherProxySeen: conditions.countOf(OTHER_PROXY) > 0,
    };
  }

  #draining({ summary }: DrainBook): Draining {
    const { oldestSinceMs, ...counts } = summary;
    const { clock } = this.#parts;
    const oldestMs = oldestSinceMs === undefined ? 0 : clock.monotonicMs() - oldestSinceMs;
    return { ...counts, oldestSec: oldestMs / 1000 };
  }
}

function sizeOf({ name, type, entries, maxElements }: IpSet): SetSize {
  const capacity = type === 'bitmap:port' ? PORTS : maxElements;
  return { name, entries: entries.size, ...(capacity === undefined ? {} : { capacity }) };
}
