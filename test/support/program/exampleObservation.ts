/** What an agent tells at a scrape: something of everything. */
import type { Observation } from '../../../src/ops/stateMetrics.ts';

export function exampleObservation(): Observation {
  return {
    sizes: {
      virtualServers: { IPv4: 2, IPv6: 1 },
      destinations: { IPv4: 4, IPv6: 0 },
      addresses: { IPv4: 1, IPv6: 1 },
      setEntries: new Map([['KUBE-CLUSTER-IP', 7]]),
    },
    isSourceConnected: true,
    problems: 3,
    drainingDestinations: 4,
    failingOperations: 5,
    unreadParts: 2,
    lastAuditAtMs: 1_700_000_000_500,
    isOtherProxySeen: true,
  };
}
