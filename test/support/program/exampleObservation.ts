/** What an agent tells at a scrape: something of everything. */
import type { Observation } from '../../../src/ops/stateMetrics.ts';

export function exampleObservation(): Observation {
  return {
    sizes: {
      virtualServers: { IPv4: 2, IPv6: 1 },
      destinations: { IPv4: 4, IPv6: 0 },
      addresses: { IPv4: 1, IPv6: 1 },
      sets: [
        { name: 'KUBE-CLUSTER-IP', entries: 7, capacity: 28 },
        { name: 'KUBE-FOREIGN', entries: 1 },
      ],
    },
    isSourceConnected: true,
    problems: 3,
    draining: {
      destinations: 4,
      connections: 12,
      oldestSec: 61.5,
      started: 9,
      ended: { empty: 3, deadline: 1, wanted: 1, gone: 0 },
    },
    ipvsConnections: 700,
    failingOperations: 5,
    unreadParts: 2,
    lastAuditAtMs: 1_700_000_000_500,
    isOtherProxySeen: true,
  };
}
