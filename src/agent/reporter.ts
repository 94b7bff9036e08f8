/**
 * Tells what happens: log lines for people, metrics and health for programs, Events for whoever owns the object. Decides
 * what is worth a line; nothing here changes what the agent does.
 */
import type { EventRecorder } from '../cluster/events.ts';
import type { SourceStatus } from '../cluster/source.ts';
import type { Problem } from '../model/problem.ts';
import type { LocalLack } from '../desired/fragment.ts';
import { emptyState, type Part, type ServerKey, serverKey } from '../desired/state.ts';
import type { ClusterChange, ClusterSnapshot } from '../model/resources.ts';
import type { Family } from '../net/family.ts';
import type { Clock } from '../ops/clock.ts';
import type { ProxyHealth } from '../ops/health.ts';
import type { Logger } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';
import { type Observation, StateMeasure } from '../ops/stateMetrics.ts';
import type { DrainBook } from '../plan/drain.ts';
import { HeldBackError } from '../plan/holdBack.ts';
import { type Operation, operationSubject } from '../plan/operations.ts';
import type { KernelView } from './kernelView.ts';
import { LEDGER_FILE } from './ledger.ts';
import { ProblemTeller, type ProblemsByOrigin } from './problemTeller.ts';
import type { RetryBook } from './retryBook.ts';
import { StandingTrouble } from './standingTrouble.ts';
import type { Chore, ReadingOutcome, RoundOutcome } from './syncLoop.ts';

export interface Observed {
  readonly view: KernelView;
  readonly retries: RetryBook;
  readonly drain: DrainBook;
}

export interface ReporterParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: ProxyHealth;
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

const MAX_FAILURE_LINES = 10;
/** What is known before the first reading. */
const NOTHING = emptyState();
const MAX_PARTS = 5;

const CHORE_TEXTS: Readonly<Record<Chore, { readonly failed: string; readonly works: string }>> = {
  drain: {
    failed:
      'connections of draining destinations cannot be counted: they stay until they can; it is tried again',
    works: 'connections of draining destinations can be counted again',
  },
  ledger: {
    failed: `${LEDGER_FILE} cannot be written: after a restart now, NodePorts that went meanwhile would stay in the kernel; it is tried again`,
    works: `${LEDGER_FILE} is written again`,
  },
};

export class Reporter {
  readonly #parts: ReporterParts;
  readonly #problems: ProblemTeller;
  readonly #measure: StateMeasure;
  readonly #startedAtMs: number;
  #observed: Observed | undefined;
  /** undefined until the source has said something */
  #source: Pick<SourceStatus, 'isConnected'> | undefined;
  readonly #sourceTrouble = new StandingTrouble();
  readonly #roundTrouble = new StandingTrouble();
  readonly #readingTrouble = new StandingTrouble();
  readonly #unconfirmedTrouble = new StandingTrouble();
  readonly #choreTroubles: Readonly<Record<Chore, StandingTrouble>> = {
    drain: new StandingTrouble(),
    ledger: new StandingTrouble(),
  };
  #lastAuditAtMs: number | undefined;
  readonly #operationTrouble = new StandingTrouble();
  #isOtherProxySeen = false;
  #isFirstRoundDone = false;
  /** families whose last sweep failed */
  readonly #unswept = new Set<Family>();
  #triggers: { readonly family: Family; readonly atMs: number }[] = [];
  #services: ServiceReview | undefined;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
    this.#measure = new StateMeasure(parts.clock);
    this.#problems = new ProblemTeller(parts);
    this.#startedAtMs = parts.clock.wallMs();
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
    this.#queued();
  }

  clusterChanged(change: ClusterChange): void {
    const { metrics, clock } = this.#parts;
    if (change.kind === 'Node') return;
    const kind = change.kind === 'Service' ? 'service' : 'endpoint';
    metrics.kubeproxy.changeQueued(kind, clock.wallMs());
    if (change.kind === 'EndpointSlice' && change.object !== undefined) {
      const { addressType: family, triggerTimeMs: atMs } = change.object;
      if (atMs !== undefined && atMs > this.#startedAtMs) this.#triggers.push({ family, atMs });
    }
    this.#queued();
  }

  nodeEligible(isEligible: boolean): void {
    this.#parts.health.setNodeEligible(isEligible);
  }

  /** @param services another object after the configuration was compiled anew */
  round(outcome: RoundOutcome, services: ServiceReview): void {
    if (this.#roundTrouble.ends()) this.#parts.log.info('the kernel can be compared again');
    this.#logRound(outcome);
    this.#logStanding(outcome);
    this.#measureRound(outcome);
    this.#review(services);
  }

  roundFailed(error: Error, retryInMs: number): void {
    const { log, health, families, clock } = this.#parts;
    for (const family of families) health.setFailing(family, true);
    const retry = `trying again in ${(retryInMs / 1000).toFixed(1)} s`;
    if (this.#roundTrouble.persists(error.message, clock.monotonicMs()))
      log.error(`the kernel could not be compared with what should be; ${retry}`, error);
    else log.verbose(2, `still failing; ${retry}`, { err: error.message });
  }

  /** After each reading of the kernel; what is not in `unread` is compared now. */
  kernelRead({ unread, unconfirmed, nextInMs }: ReadingOutcome): void {
    const { log, clock } = this.#parts;
    this.#tellUnconfirmed(unconfirmed);
    const [first] = unread.values();
    if (first === undefined) {
      this.#lastAuditAtMs = clock.wallMs();
      if (this.#readingTrouble.ends()) log.info('everything can be read from the kernel again');
      return;
    }
    const parts = [...unread.keys()];
    const more = parts.length > MAX_PARTS ? ` and ${parts.length - MAX_PARTS} more` : '';
    const retry = `trying again in ${(nextInMs / 1000).toFixed(1)} s`;
    const message = `cannot be read from the kernel: ${parts.slice(0, MAX_PARTS).join(', ')}${more}; that stays as it is, everything else goes on; ${retry}`;
    if (this.#readingTrouble.persists(parts.join(), clock.monotonicMs())) log.error(message, first);
    else log.verbose(2, message, { err: first.message });
  }

  #tellUnconfirmed(unconfirmed: ReadonlyMap<Part, Error>): void {
    const { log, clock } = this.#parts;
    const [first] = unconfirmed;
    if (first === undefined) {
      if (this.#unconfirmedTrouble.ends()) log.info('all rules read back as they were written');
      return;
    }
    const [part, error] = first;
    if (this.#unconfirmedTrouble.persists(part, clock.monotonicMs())) log.error(part, error);
  }

  /** See {@link SyncLoopEvents.onChore}. */
  chore(chore: Chore, error: Error | undefined): void {
    const { log, clock } = this.#parts;
    const trouble = this.#choreTroubles[chore];
    const { failed, works } = CHORE_TEXTS[chore];
    if (error === undefined) {
      if (trouble.ends()) log.info(works);
    } else if (trouble.persists(error.message, clock.monotonicMs())) log.error(failed, error);
  }

  /** What the source says of one object or file. */
  problems(origin: string, problems: readonly Problem[]): void {
    this.#problems.update('source', new Map([[origin, problems]]));
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

  #queued(): void {
    const { health, families } = this.#parts;
    for (const family of families) health.queued(family);
  }

  #logRound({ isFull, report, newlyFailed, durationMs }: RoundOutcome): void {
    const { log } = this.#parts;
    const causes = withoutConsequences(newlyFailed);
    const held = newlyFailed.filter(({ error }) => error instanceof HeldBackError);
    if (held.length > 0)
      log.error(
        `${held.length} new addresses and servers do not attract traffic yet`,
        held[0]!.error,
      );
    for (const { operation, error } of causes.slice(0, MAX_FAILURE_LINES)) {
      log.error(
        `${operationSubject(operation)}: ${operation.op} failed; it will be tried again`,
        error,
      );
    }
    const untold = causes.length - MAX_FAILURE_LINES;
    if (untold > 0) log.error(`${untold} more operations failed in this round`);
    const fields = {
      operations: report.done.length,
      failed: report.failed.length,
      kernelWrites: report.kernelWrites,
      durationMs: Math.round(durationMs * 10) / 10,
    };
    if (!this.#isFirstRoundDone) log.info('first sync done', fields);
    else if (isFull && report.done.length > 0) log.info('audit corrected the kernel', fields);
    else log.verbose(2, isFull ? 'audit' : 'sync', fields);
    this.#isFirstRoundDone = true;
  }

  /** Failures are told when they are new; this is for whoever looks later, and for their end. */
  #logStanding({ report, newlyFailed }: RoundOutcome): void {
    const { log, clock } = this.#parts;
    const failing = this.#observed?.retries.size ?? 0;
    if (failing === 0) {
      if (this.#operationTrouble.ends())
        log.info('nothing fails any more: the kernel is as it should be');
      return;
    }
    const isDue = this.#operationTrouble.persists('', clock.monotonicMs());
    const example = report.failed[0]?.error;
    if (isDue && newlyFailed.length === 0)
      log.error(
        `${failing} operations keep failing and are tried again, one of them with`,
        example,
      );
  }

  #measureRound({ report, durationMs }: RoundOutcome): void {
    const { metrics, health, families, clock } = this.#parts;
    const nowMs = clock.wallMs();
    const { retries, view } = this.#observed ?? {};
    const isFailing = (retries?.size ?? 0) + (view?.unread.size ?? 0) > 0;
    metrics.applied(report);
    metrics.kubeproxy.changesTaken();
    metrics.kubeproxy.syncFinished(durationMs, nowMs);
    for (const { family, atMs } of this.#triggers) {
      metrics.kubeproxy.endpointProgrammed(family, nowMs - atMs);
    }
    this.#triggers = [];
    for (const family of families) {
      health.updated(family);
      health.setFailing(family, isFailing);
    }
  }
}

/** Times and countdowns make the same failure read different each time. */
function withoutNumbers(detail: string): string {
  return detail.replace(/retry in [\d.]+ s/g, '');
}

/** Without what was held back, and destinations whose virtual server failed in the same round. */
function withoutConsequences(failures: RoundOutcome['newlyFailed']): RoundOutcome['newlyFailed'] {
  const servers = failures.filter(({ operation }) => operation.op === 'addServer');
  const failed = new Set(servers.map(({ operation }) => serverOf(operation)));
  const own = failures.filter(({ error }) => !(error instanceof HeldBackError));
  return own.filter(
    ({ operation }) => operation.op !== 'addDestination' || !failed.has(serverOf(operation)),
  );
}

function serverOf(operation: Operation): ServerKey | undefined {
  return 'server' in operation ? serverKey(operation.server) : undefined;
}
