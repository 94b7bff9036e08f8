/** The loop with everything that it works on, and who is told of what it does. */
import type { ResolvedConfig } from '../../config/resolve.ts';
import type { Dataplane } from '../../dataplane/dataplane.ts';
import type { DesiredBuilder } from '../../desired/builder.ts';
import type { Ledger } from '../../kernel/ledger.ts';
import { collectGarbage } from '../../ops/startGarbage.ts';
import { DrainBook } from '../../plan/drain.ts';
import type { Clock } from '../../time/clock.ts';
import type { FeatureSet } from '../featureSet.ts';
import { foreignDestinations } from './foreignDestinations.ts';
import type { KernelView } from './kernelView.ts';
import type { Reporter } from '../report/reporter.ts';
import { RetryBook } from './retryBook.ts';
import { SyncLoop, type SyncLoopEvents } from './syncLoop.ts';

export interface ProxyLoopParts {
  readonly config: ResolvedConfig;
  readonly dataplane: Dataplane;
  readonly view: KernelView;
  readonly ledger: Ledger;
  readonly reporter: Reporter;
  readonly features: Pick<FeatureSet, 'roundBegan' | 'round' | 'roundDone'>;
  readonly clock: Clock;
  readonly turnMs?: number;
}

/** After the first round; by then the lists of the start are held by nobody. */
const START_GARBAGE_DELAY_MS = 3_000;

/** @param builder of the next round; another one after the configuration was compiled anew */
export function proxyLoop(parts: ProxyLoopParts, builder: () => DesiredBuilder): SyncLoop {
  const { config, dataplane, view, ledger, reporter, clock, turnMs } = parts;
  const { syncPeriodMs, minSyncPeriodMs } = config;
  const { excludeCidrs } = config.dataplane;
  const retries = new RetryBook();
  const drain = new DrainBook();
  reporter.observe({ view, retries, drain });
  return new SyncLoop(
    { desired: builder(), dataplane, view, ledger, retries, drain, clock },
    { syncPeriodMs, minSyncPeriodMs, excludeCidrs, turnMs },
    eventsOf(parts, builder),
  );
}

function eventsOf(
  { view, reporter, features }: ProxyLoopParts,
  builder: () => DesiredBuilder,
): SyncLoopEvents {
  let isFirst = true;
  // What the round under way goes by: a new one holds nothing before the next.
  let settled = builder();
  return {
    onBegin: (nowMs) => {
      settled = builder();
      reporter.roundBegan(nowMs);
      features.roundBegan();
    },
    onEnd: (isDone) => {
      reporter.roundEnded(isDone);
      if (isDone) features.roundDone();
    },
    onRound: (outcome) => {
      reporter.round(outcome, settled);
      features.round(outcome);
      if (isFirst) setTimeout(collectGarbage, START_GARBAGE_DELAY_MS).unref();
      isFirst = false;
    },
    onAudit: () => reporter.auditBegan(),
    onReading: (outcome) => {
      reporter.kernelRead(outcome);
      reporter.problems('ipvs', foreignDestinations(view.state.foreignServers));
    },
    onChore: (chore, error) => reporter.chore(chore, error),
    onError: (error, retryInMs) => reporter.roundFailed(error, retryInMs),
  };
}
