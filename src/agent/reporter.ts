/**
 * Tells what happens: log lines for people, metrics and health for programs, Events for whoever owns the object. Decides
 * what is worth a line; nothing here changes what the agent does.
 */
import type { EventRecorder } from '../cluster/events.ts';
import type { SourceStatus } from '../cluster/source.ts';
import { formatProblem, type Problem } from '../model/problem.ts';
import type { LocalLack } from '../desired/fragment.ts';
import { type DataplaneState, emptyState } from '../dataplane/state.ts';
import type { ClusterChange, ClusterSnapshot } from '../model/resources.ts';
import type { Family } from '../net/family.ts';
import type { Clock } from '../ops/clock.ts';
import type { Conditions } from '../ops/conditions.ts';
import type { ProxyHealth } from '../ops/health.ts';
import type { Logger } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';
import { type Observation, StateMeasure } from '../ops/stateMetrics.ts';
import { StandingTrouble } from '../ops/standingTrouble.ts';
import type { DrainBook } from '../plan/drain.ts';
import { FAMILY_NOT_PROGRAMMED, NODE_NOT_ELIGIBLE } from './conditions.ts';
import type { KernelView } from './kernelView.ts';
import { PendingChanges } from './pendingChanges.ts';
import { ProblemTeller, type ProblemsByOrigin } from './problemTeller.ts';
import type { RetryBook } from './retryBook.ts';
import { RoundLog } from './roundLog.ts';
import { familiesOfPart, StandingFailures } from './standingFailures.ts';
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

export class Reporter {
  readonly #parts: ReporterParts;
  readonly #problems: ProblemTeller;
  readonly #measure: StateMeasure;
  readonly #pending: PendingChanges;
  readonly #rounds: RoundLog;
  #observed: Observed | undefined;
  /** undefined until the source has said something */
  #source: Pick<SourceStatus, 'isConnected'> | undefined;
  readonly #sourceTrouble = new StandingTrouble();
  #lastAuditAtMs: number | undefined;
  #isOtherProxySeen = false;
  /** families whose last sweep failed */
  readonly #unswept = new Set<Family>();
  #nodeProblems: readonly Problem[] = [];
  readonly #nodeTrouble = new StandingTrouble();
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

  /** @see kubernetes cmd/kube-proxy/app/server.go for the reasons */
  serverFailed(name: string, message: string, error: unknown): void {
    this.#parts.log.error(message, error);
    const reason =
      name === 'metrics' ? 'FailedToStartMetricServer' : 'FailedToStartProxierHealthcheck';
    this.#nodeEvent('Warning', reason, message);
  }

  /** The line is written already. */
  readOnlySysfs(message: string): void {
    this.#nodeEvent('Warning', 'readOnlySysFS', message);
  }

  /** Another Service proxy works here, or does no more; the line is written already. */
  otherProxy(evidence: string | undefined): void {
    this.#isOtherProxySeen = evidence !== undefined;
    if (evidence !== undefined) this.#nodeEvent('Warning', 'OtherProxy', evidence);
  }

  /** For the metrics, once a scrape. */
  observation(): Observation {
    const { view, retries, drain } = this.#observed ?? {};
    return {
      sizes: this.#measure.sizesOf(view?.isKnown === true ? view.state : NOTHING),
      isSourceConnected: this.#source?.isConnected === true,
      problems: this.#problems.size,
      drainingDestinations: drain?.size ?? 0,
      failingOperations: retries?.size ?? 0,
      unreadParts: view?.unread.size ?? 0,
      lastAuditAtMs: this.#lastAuditAtMs,
      isOtherProxySeen: this.#isOtherProxySeen,
    };
  }

  /** A source repeats itself at every attempt; only a new state of affairs is worth a line without `-v`. */
  sourceStatus({ isConnected, isFailing, detail }: SourceStatus): void {
    const { log, clock } = this.#parts;
    this.#source = { isConnected };
    if (isConnected) {
      this.#sourceTrouble.ends();
      log.info('source connected', { status: detail });
    } else if (
      isFailing &&
      this.#sourceTrouble.persists(withoutNumbers(detail), clock.monotonicMs())
    ) {
      log.error(`source not connected: ${detail}`);
    } else log.verbose(2, 'source not connected', { status: detail });
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
    const { conditions, nodeName } = this.#parts;
    const message = 'this Node is leaving the cluster, or is gone';
    if (isEligible) conditions.clear(NODE_NOT_ELIGIBLE, nodeName);
    else conditions.set(NODE_NOT_ELIGIBLE, nodeName, { message });
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
    if (this.#nodeProblems.length > 0 && this.#isNodeReminderDue()) {
      for (const problem of this.#nodeProblems) this.#parts.log.warning(formatProblem(problem));
    }
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

  /** All that is wrong with this node's place in the cluster; said again now and then while it lasts. */
  nodeReviewed(problems: readonly Problem[]): void {
    this.#problems.update('node', new Map([['node', problems]]));
    this.#nodeProblems = problems;
    if (problems.length === 0) this.#nodeTrouble.ends();
    else this.#isNodeReminderDue();
  }

  #isNodeReminderDue(): boolean {
    return this.#nodeTrouble.persists('', this.#parts.clock.monotonicMs());
  }

  /** See {@link ConntrackSweepEvents}. */
  conntrackSwept(family: Family, deleted: number, durationMs: number): void {
    const { log, metrics } = this.#parts;
    this.#unswept.delete(family);
    metrics.conntrack.swept(family, deleted, durationMs);
    if (deleted > 0) log.verbose(1, 'freed stale UDP flows', { family, entries: deleted });
  }

  conntrackFailed(family: Family, error: unknown): void {
    const { log, metrics } = this.#parts;
    metrics.conntrack.failed(family);
    if (this.#unswept.has(family)) return;
    this.#unswept.add(family);
    log.error(
      `stale UDP flows of ${family} cannot be looked for: one whose Service has moved stays stuck until its client pauses`,
      error,
    );
  }

  warnings(warnings: readonly string[]): void {
    for (const warning of warnings) this.#parts.log.warning(warning);
  }

  error(message: string, error: unknown): void {
    this.#parts.log.error(message, error);
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
    const broken = new Set([...failures.brokenFamilies(), ...unknown.flatMap(familiesOfPart)]);
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

/** Times and countdowns make the same failure read different each time. */
function withoutNumbers(detail: string): string {
  return detail.replace(/retry in [\d.]+ s/g, '');
}
