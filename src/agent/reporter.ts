/**
 * Tells what happens: log lines for people, metrics and health for programs, Events for whoever owns the object. Decides
 * what is worth a line; nothing here changes what the agent does.
 */
import type { EventRecorder } from '../cluster/events.ts';
import type { SourceStatus } from '../cluster/source.ts';
import type { Problem } from '../model/problem.ts';
import type { LocalLack } from '../desired/fragment.ts';
import { type DataplaneState, emptyState } from '../dataplane/state.ts';
import type { ClusterChange, ClusterSnapshot } from '../model/clusterStore.ts';
import type { Family } from '../net/family.ts';
import type { Conditions } from '../ops/conditions.ts';
import type { ProxyHealth } from '../ops/health.ts';
import type { Logger } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';
import { type Observation, StateMeasure } from '../ops/stateMetrics.ts';
import type { DrainBook } from '../plan/drain.ts';
import type { Clock } from '../time/clock.ts';
import {
  FAMILY_NOT_PROGRAMMED,
  OTHER_PROXY,
  SOURCE_NOT_CONNECTED,
  STALE_FLOWS_KEPT,
} from './conditions.ts';
import type { KernelView } from './kernelView.ts';
import { countNodeProblems, judgeEligibility, reviewNode } from './nodeReview.ts';
import { PendingChanges } from './pendingChanges.ts';
import { ProblemTeller, type ProblemsByOrigin } from './problemTeller.ts';
import type { RetryBook } from './retryBook.ts';
import { RoundLog } from './roundLog.ts';
import { StandingFailures } from './standingFailures.ts';
import type { Chore, ReadingOutcome, RoundOutcome } from '../plan/round.ts';

export interface Observed {
  readonly view: KernelView;
  readonly retries: RetryBook;
  readonly drain: DrainBook;
}

export interface ReporterParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: ProxyHealth;
  readonly conditions: Conditions;
  readonly families: readonly Family[];
  readonly clock: Clock;
  readonly nodeName: string;
  /** absent without an API server */
  readonly events: EventRecorder | undefined;
}

/** What is wrong with Services and what they lack here; DesiredBuilder's problems are it. */
export interface ServiceReview {
  /** by Service, those whose problems may differ since the last call; all of them at the first */
  takeNews(): ProblemsByOrigin;
  readonly localLacks: ReadonlyMap<LocalLack, number>;
}

/** DesiredBuilder is it. */
export interface Desired {
  readonly state: DataplaneState;
  readonly problems: ServiceReview;
}

/** What is known before the first reading. */
const NOTHING = emptyState();

/** There is one. */
const SOURCE = 'source';

export class Reporter {
  readonly #parts: ReporterParts;
  readonly #problems: ProblemTeller;
  readonly #measure: StateMeasure;
  readonly #pending: PendingChanges;
  readonly #rounds: RoundLog;
  #observed: Observed | undefined;
  #isSourceConnected = false;
  #lastAuditAtMs: number | undefined;
  #services: ServiceReview | undefined;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
    this.#measure = new StateMeasure(parts.clock);
    this.#problems = new ProblemTeller(parts);
    this.#pending = new PendingChanges(parts);
    this.#rounds = new RoundLog(parts);
  }

  observe(observed: Observed): void {
    this.#observed = observed;
    this.#nodeEvent('Normal', 'Starting', '');
  }

  /** For the metrics, once a scrape. */
  observation(): Observation {
    const { conditions } = this.#parts;
    const { view, retries, drain } = this.#observed ?? {};
    return {
      sizes: this.#measure.sizesOf(view?.isKnown === true ? view.state : NOTHING),
      isSourceConnected: this.#isSourceConnected,
      problems: this.#problems.size + countNodeProblems(conditions),
      drainingDestinations: drain?.size ?? 0,
      failingOperations: retries?.size ?? 0,
      unreadParts: view?.unread.size ?? 0,
      lastAuditAtMs: this.#lastAuditAtMs,
      isOtherProxySeen: conditions.countOf(OTHER_PROXY) > 0,
    };
  }

  /** A source repeats itself at every attempt; only a new state of affairs is worth a line without `-v`. */
  sourceStatus(status: SourceStatus): void {
    const { log, conditions } = this.#parts;
    const { isConnected, isFailing, detail } = status;
    const otherwise = { message: 'source not connected', fields: { status: detail } };
    this.#isSourceConnected = isConnected;
    if (isConnected) {
      conditions.clear(SOURCE_NOT_CONNECTED, SOURCE);
      log.info('source connected', { status: detail });
    } else if (isFailing) {
      const reason = withoutCountdown(detail);
      const message = `source not connected: ${detail}`;
      conditions.set(SOURCE_NOT_CONNECTED, SOURCE, { message, reason, otherwise });
    } else log.verbose(2, otherwise.message, otherwise.fields);
  }

  synced({ services, slices, nodes }: ClusterSnapshot): void {
    const sliceCount = [...slices.values()].reduce((sum, ofService) => sum + ofService.size, 0);
    const counts = { services: services.size, endpointSlices: sliceCount, nodes: nodes.size };
    this.#parts.log.info('all objects listed', counts);
    this.#problems.nodesKnown(nodes);
    this.#pending.allQueued();
  }

  clusterChanged(change: ClusterChange): void {
    this.#pending.queued(change);
  }

  roundBegan(): void {
    this.#pending.roundBegan();
  }

  roundEnded(isDone: boolean): void {
    this.#pending.roundEnded(isDone);
  }

  nodeEligible(isEligible: boolean): void {
    judgeEligibility(this.#parts, isEligible);
  }

  /** @param desired another object after the configuration was compiled anew */
  round(outcome: RoundOutcome, desired: Desired): void {
    const standing = this.#observed?.retries.standing ?? [];
    const failures = new StandingFailures(standing, desired.state);
    this.#judgeFamilies(failures);
    this.#rounds.done(outcome, desired.state, standing);
    this.#measureRound(outcome);
    this.#problems.replace('kernel', failures.problems());
    this.#review(desired.problems);
    this.#parts.conditions.remind();
  }

  roundFailed(error: Error, retryInMs: number): void {
    this.#rounds.givenUp(error, retryInMs);
  }

  /** After each reading of the kernel; what is not in `unread` is compared now. */
  kernelRead(outcome: ReadingOutcome): void {
    if (outcome.unread.size === 0) this.#lastAuditAtMs = this.#parts.clock.wallMs();
    this.#rounds.read(outcome);
  }

  /** See {@link SyncLoopEvents.onChore}. */
  chore(chore: Chore, error: Error | undefined): void {
    this.#rounds.chore(chore, error);
  }

  /** What the source says of one object or file. */
  problems(origin: string, problems: readonly Problem[]): void {
    this.#problems.update('source', new Map([[origin, problems]]));
  }

  nodeReviewed(problems: readonly Problem[]): void {
    reviewNode(this.#parts, problems);
  }

  /** See {@link ConntrackSweepEvents}. */
  conntrackSwept(family: Family, deleted: number, durationMs: number): void {
    const { log, metrics, conditions } = this.#parts;
    conditions.clear(STALE_FLOWS_KEPT, family);
    metrics.conntrack.swept(family, deleted, durationMs);
    if (deleted > 0) log.verbose(1, 'freed stale UDP flows', { family, entries: deleted });
  }

  conntrackFailed(family: Family, error: unknown): void {
    const { metrics, conditions } = this.#parts;
    metrics.conntrack.failed(family);
    const message = `stale UDP flows of ${family} cannot be looked for: one whose Service has moved stays stuck until its client pauses`;
    conditions.set(STALE_FLOWS_KEPT, family, { message, error });
  }

  warnings(warnings: readonly string[]): void {
    for (const warning of warnings) this.#parts.log.warning(warning);
  }

  #nodeEvent(type: 'Normal' | 'Warning', reason: string, note: string): void {
    const { events, nodeName } = this.#parts;
    const regarding = { kind: 'Node', name: nodeName } as const;
    events?.record({ regarding, type, reason, action: 'StartKubeProxy', note });
  }

  #review(services: ServiceReview): void {
    const news = services.takeNews();
    if (services === this.#services) this.#problems.update('services', news);
    else this.#problems.replace('services', news);
    this.#services = services;
    for (const family of this.#parts.families) {
      for (const policy of ['internal', 'external'] as const) {
        const lacking = services.localLacks.get(`${family} ${policy}`) ?? 0;
        this.#parts.metrics.kubeproxy.setNoLocalEndpoints(family, policy, lacking);
      }
    }
  }

  /** Before a round that was given up is forgotten, so that what it leaves broken has been so all the time. */
  #judgeFamilies(failures: StandingFailures): void {
    const { conditions } = this.#parts;
    const { view } = this.#observed ?? {};
    const unknown = view?.isKnown === true ? [...view.state.unknown.keys()] : [];
    const broken = new Set([
      ...failures.brokenFamilies(),
      ...unknown.flatMap((part) => part.families),
    ]);
    const reportOf = (family: Family) =>
      ({ message: `${family} cannot be programmed here`, families: [family] }) as const;
    conditions.replace(
      FAMILY_NOT_PROGRAMMED,
      new Map([...broken].map((family) => [family, reportOf(family)])),
    );
  }

  #measureRound({ report, durationMs }: RoundOutcome): void {
    const { metrics, clock } = this.#parts;
    metrics.applied(report);
    metrics.kubeproxy.syncFinished(durationMs, clock.wallMs());
  }
}

/** The same failure reads different each time only by it. */
function withoutCountdown(detail: string): string {
  return detail.replace(/retry in [\d.]+ s/g, '');
}
