/**
 * What happens in the agent, handed to whom it concerns: conditions of the node, problems of
 * objects, metrics, health. Each of them decides what is worth a line; nothing here changes what
 * the agent does.
 */
import type { SourceStatus } from '../../cluster/source.ts';
import type { DataplaneState } from '../../dataplane/state.ts';
import type { ClusterChange, ClusterSnapshot } from '../../model/clusterStore.ts';
import type { Problem } from '../../model/problem.ts';
import type { Conditions } from '../../ops/conditions.ts';
import type { Observation } from '../../ops/stateMetrics.ts';
import type { Chore, ReadingOutcome, RoundOutcome } from '../../plan/round.ts';
import { reviewFamilies } from './familyReview.ts';
import { judgeEligibility, reviewNode } from './nodeReview.ts';
import { PendingChanges, type PendingChangesParts } from './pendingChanges.ts';
import { ProblemTeller, type ProblemTellerParts } from './problemTeller.ts';
import { ChangeLog } from './changeLog.ts';
import { RoundLog } from './roundLog.ts';
import { type Observed, Scrape } from './scrape.ts';
import { type ServiceProblems, ServiceReview } from './serviceReview.ts';
import { reportSource } from './sourceReport.ts';
import { StandingFailures } from './standingFailures.ts';

export interface ReporterParts extends ProblemTellerParts, PendingChangesParts {
  readonly conditions: Conditions;
}

/** DesiredBuilder is it. */
export interface Desired {
  readonly state: DataplaneState;
  readonly problems: ServiceProblems;
}

export class Reporter {
  readonly #parts: ReporterParts;
  readonly #problems: ProblemTeller;
  readonly #services: ServiceReview;
  readonly #pending: PendingChanges;
  readonly #rounds: RoundLog;
  readonly #changes: ChangeLog;
  readonly #scrape: Scrape;
  /** of the round under way, once it is known */
  #durationMs: number | undefined;
  #isReadingCompared = false;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
    const problems = new ProblemTeller(parts);
    this.#problems = problems;
    this.#services = new ServiceReview({ ...parts, problems });
    this.#pending = new PendingChanges(parts);
    this.#rounds = new RoundLog(parts);
    this.#changes = new ChangeLog(parts.log);
    this.#scrape = new Scrape({ ...parts, problems: () => problems.size });
  }

  /** The kernel is about to be programmed. */
  observe(observed: Observed): void {
    const { events, nodeName } = this.#parts;
    this.#scrape.observed = observed;
    const regarding = { kind: 'Node', name: nodeName } as const;
    const starting = { type: 'Normal', reason: 'Starting', action: 'StartKubeProxy' } as const;
    events?.record({ regarding, ...starting, note: '' });
  }

  /** For the metrics, once a scrape. */
  observation(): Observation {
    return this.#scrape.observation();
  }

  sourceStatus(status: SourceStatus): void {
    this.#scrape.isSourceConnected = status.isConnected;
    reportSource(this.#parts, status);
  }

  synced({ services, slices }: ClusterSnapshot): void {
    const sliceCount = [...slices.values()].reduce((sum, ofService) => sum + ofService.length, 0);
    const counts = { services: services.size, endpointSlices: sliceCount };
    this.#parts.log.info('all objects listed', counts);
    this.#pending.allQueued();
  }

  clusterChanged(change: ClusterChange): void {
    this.#changes.object(change);
    this.#pending.queued(change);
  }

  /** @param nowMs monotonic */
  roundBegan(nowMs: number): void {
    this.#pending.roundBegan(nowMs);
  }

  roundEnded(isDone: boolean): void {
    const { metrics, clock } = this.#parts;
    const nowMs = clock.wallMs();
    if (this.#durationMs !== undefined) metrics.kubeproxy.syncFinished(this.#durationMs, nowMs);
    this.#durationMs = undefined;
    this.#pending.roundEnded(isDone, nowMs);
    if (!this.#isReadingCompared) return;
    this.#isReadingCompared = false;
    metrics.eventLoop.rest();
  }

  nodeEligible(isEligible: boolean): void {
    judgeEligibility(this.#parts, isEligible);
  }

  /** @param desired another object after the configuration was compiled anew */
  round(outcome: RoundOutcome, { state, problems }: Desired): void {
    const { metrics, conditions } = this.#parts;
    const { view, retries } = this.#scrape.observed ?? {};
    const standing = retries?.standing ?? [];
    const failures = new StandingFailures(standing, state);
    reviewFamilies(conditions, failures, view);
    this.#changes.round(outcome, state);
    this.#rounds.done(outcome, state, standing);
    metrics.applied(outcome);
    metrics.rounds.round(outcome);
    this.#durationMs = outcome.durationMs;
    this.#problems.replace('kernel', failures.problems());
    this.#services.review(problems);
    conditions.remind();
  }

  roundFailed(error: Error, retryInMs: number): void {
    this.#rounds.givenUp(error, retryInMs);
  }

  /** Its turns are looked at until the end of the round that compares what was read. */
  auditBegan(): void {
    this.#parts.metrics.eventLoop.watch();
  }

  /** After each reading of the kernel; what is not in `unread` is compared now. */
  kernelRead(outcome: ReadingOutcome): void {
    this.#isReadingCompared = true;
    this.#parts.metrics.rounds.read(outcome.durationMs);
    if (outcome.unread.size === 0) this.#scrape.lastAuditAtMs = this.#parts.clock.wallMs();
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

  warnings(warnings: readonly string[]): void {
    for (const warning of warnings) this.#parts.log.warning(warning);
  }
}
