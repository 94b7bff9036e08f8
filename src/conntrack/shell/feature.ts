/**
 * The search for stale UDP flows as a feature: after each round, with metrics and a condition of
 * its own.
 */
import type { Feature, FeatureHost } from '../../feature/feature.ts';
import { ConntrackClient } from '../../kernel/conntrackClient.ts';
import { FAMILIES } from '../../net/family.ts';
import { STALE_FLOWS_KEPT } from './conditions.ts';
import { ConntrackMetrics } from './conntrackMetrics.ts';
import {
  ConntrackSweep,
  type ConntrackSweepEvents,
  type ConntrackTable,
} from './conntrackSweep.ts';

/** @param open of this process's network namespace by default; another table in tests */
export function conntrackSweep(open: () => ConntrackTable = () => new ConntrackClient()): Feature {
  return {
    name: 'conntrack-sweep',
    start: (host) => {
      const sweep = new ConntrackSweep({
        table: open(),
        servers: () => host.programmed().virtualServers,
        now: () => host.clock.monotonicMs(),
        events: eventsTo(host),
      });
      return {
        round: ({ report }) => sweep.round(report),
        stop: () => sweep.close(),
      };
    },
  };
}

function eventsTo({ log, metrics: registry, conditions }: FeatureHost): ConntrackSweepEvents {
  const metrics = new ConntrackMetrics(registry, FAMILIES);
  return {
    onSwept: (family, deleted, durationMs) => {
      conditions.clear(STALE_FLOWS_KEPT, family);
      metrics.swept(family, deleted, durationMs);
      if (deleted > 0) log.verbose(1, 'freed stale UDP flows', { family, entries: deleted });
    },
    onFailed: (family, error) => {
      metrics.failed(family);
      const message = `stale UDP flows of ${family} cannot be looked for: one whose Service has moved stays stuck until its client pauses`;
      conditions.set(STALE_FLOWS_KEPT, family, { message, error });
    },
  };
}
