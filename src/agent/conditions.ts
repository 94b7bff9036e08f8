/**
 * The conditions of this node, each defined once, and how they are told. docs/conditions.md says of
 * each what it means and what to do. Log, metric, health and Event follow from the definition:
 * whoever sees the trouble only sets and clears it.
 */
import { OTHER_MODES_LEFT } from '../cleanup/shell/conditions.ts';
import { STALE_FLOWS_KEPT } from '../conntrack/shell/conditions.ts';
import { HEALTH_CHECK_PORT_NOT_SERVED } from '../healthports/shell/conditions.ts';
import { LEDGER_FILE } from '../kernel/ledger.ts';
import {
  ANNOUNCER_CUT_OFF,
  ANNOUNCER_DOWN,
  ANNOUNCER_IMPAIRED,
  NO_PEER_HEARD,
} from '../loadbalancer/shell/announcerConditions.ts';
import {
  ADDRESS_NOT_WRITTEN,
  ADDRESS_POOL_FULL,
  ALLOCATOR_NOT_ELECTED,
} from '../loadbalancer/shell/conditions.ts';
import { LOCALHOST_PORT_NOT_SERVED } from '../localhostports/shell/conditions.ts';
import type { Family } from '../net/family.ts';
import {
  CONNTRACK_HASH_TOO_SMALL,
  CONNTRACK_NOT_SET,
  IPVS_TIMEOUTS_NOT_SET,
} from '../node/conditions.ts';
import { ConditionEvents, type EventSink } from '../ops/conditionEvents.ts';
import { ConditionHealth } from '../ops/conditionHealth.ts';
import { ConditionLog } from '../ops/conditionLog.ts';
import { Conditions, defineCondition } from '../ops/conditions.ts';
import type { ProxyHealth } from '../ops/health.ts';
import type { Logger } from '../ops/log.ts';
import type { Clock } from '../time/clock.ts';

export const KERNEL_NOT_COMPARED = defineCondition({
  code: 'KernelNotCompared',
  severity: 'error',
  affectsHealth: 'programming',
  title: 'a round was given up: nothing at all could be read from the kernel',
  end: 'the kernel can be compared again',
});

export const KERNEL_PARTLY_UNREAD = defineCondition({
  code: 'KernelPartlyUnread',
  severity: 'error',
  affectsHealth: false,
  title: 'a part of the kernel could not be read: it stays as it is',
  end: 'everything can be read from the kernel again',
});

export const RULES_UNCONFIRMED = defineCondition({
  code: 'RulesUnconfirmed',
  severity: 'error',
  affectsHealth: false,
  title: 'rules read back as others than were written: they are not written again',
  end: 'all rules read back as they were written',
});

export const OPERATIONS_FAILING = defineCondition({
  code: 'OperationsFailing',
  severity: 'error',
  affectsHealth: false,
  title: 'operations on the kernel fail and are tried again',
  end: 'nothing fails any more: the kernel is as it should be',
});

export const DRAINS_NOT_COUNTED = defineCondition({
  code: 'DrainsNotCounted',
  severity: 'error',
  affectsHealth: false,
  title: 'connections of draining destinations cannot be counted',
  end: 'connections of draining destinations can be counted again',
});

export const LEDGER_NOT_WRITTEN = defineCondition({
  code: 'LedgerNotWritten',
  severity: 'error',
  affectsHealth: false,
  title: 'the file that remembers NodePorts across a restart cannot be written',
  end: `${LEDGER_FILE} is written again`,
});

/**
 * Follows from what has lines of its own: rules that fail, parts that were never read, half of the
 * Services refused.
 */
export const FAMILY_NOT_PROGRAMMED = defineCondition({
  code: 'FamilyNotProgrammed',
  severity: 'error',
  affectsHealth: 'programming',
  title: 'this node as a whole cannot program an address family',
  isSilent: true,
});

/** Derived by {@link ProxyHealth}, as kube-proxy does. */
export const CHANGES_OVERDUE = defineCondition({
  code: 'ChangesOverdue',
  severity: 'error',
  affectsHealth: 'programming',
  title: 'a change has waited for two sync periods',
  isSilent: true,
});

/** Derived too: from the start until the first round is done. */
export const NOT_READY = defineCondition({
  code: 'NotReady',
  severity: 'warning',
  affectsHealth: 'readiness',
  title: 'this process has not read the cluster yet, or not done its first round',
  isSilent: true,
});

export const NODE_NOT_ELIGIBLE = defineCondition({
  code: 'NodeNotEligible',
  severity: 'warning',
  affectsHealth: 'eligibility',
  title: 'the Node is being deleted, is gone, or is about to be removed by the cluster autoscaler',
  isSilent: true,
});

export const SOURCE_NOT_CONNECTED = defineCondition({
  code: 'SourceNotConnected',
  severity: 'error',
  affectsHealth: false,
  title: 'Services cannot be read or watched: what is programmed stays as it is',
});

export const OTHER_PROXY = defineCondition({
  code: 'OtherProxy',
  severity: 'error',
  affectsHealth: false,
  title: "another Service proxy works on this node, and two undo each other's rules",
  end: 'no sign of another Service proxy any more',
  event: { reason: 'OtherProxy', action: 'StartKubeProxy' },
});

/**
 * Subjects of this and the next two: what is wrong, as a line. Their codes are what their Problems
 * have for consequence.
 */
export const NODE_UNKNOWN = defineCondition({
  code: 'NodeUnknown',
  severity: 'warning',
  affectsHealth: false,
  title: 'there is no Node of the name that this proxy goes by',
  isSteady: true,
  event: { reason: 'NodeUnknown', action: 'Proxy' },
});

export const NODE_GONE = defineCondition({
  code: 'NodeGone',
  severity: 'warning',
  affectsHealth: false,
  title: 'the Node was deleted: what it said last is still used',
  isSteady: true,
  event: { reason: 'NodeGone', action: 'Proxy' },
});

export const PODS_NOT_TOLD = defineCondition({
  code: 'PodsNotTold',
  severity: 'warning',
  affectsHealth: false,
  title:
    'the Node has no pod CIDR: traffic from outside the cluster cannot be told from that of pods',
  isSteady: true,
  event: { reason: 'PodsNotTold', action: 'Proxy' },
});

/**
 * Subject of this and the next: the server's name. The reasons are kube-proxy's,
 * cmd/kube-proxy/app/server.go.
 */
export const HEALTHZ_NOT_SERVED = defineCondition({
  code: 'HealthzNotServed',
  severity: 'error',
  affectsHealth: false,
  title: 'the address for /healthz, /livez and /readyz cannot be listened on',
  event: { reason: 'FailedToStartProxierHealthcheck', action: 'StartKubeProxy' },
});

export const METRICS_NOT_SERVED = defineCondition({
  code: 'MetricsNotServed',
  severity: 'error',
  affectsHealth: false,
  title: 'the address for /metrics cannot be listened on',
  event: { reason: 'FailedToStartMetricServer', action: 'StartKubeProxy' },
});

export const HOST_UNREAD = defineCondition({
  code: 'HostUnread',
  severity: 'error',
  affectsHealth: false,
  title: 'addresses of this node could not be read again: those known before still hold',
});

export const NODE_NOT_FITTING = defineCondition({
  code: 'NodeNotFitting',
  severity: 'error',
  affectsHealth: false,
  title: 'the changed Node does not fit the configuration: what was programmed stays',
});

export const FEATURES_REFUSED = defineCondition({
  code: 'FeaturesRefused',
  severity: 'error',
  affectsHealth: false,
  title: 'what `--features` names has become wrong: its last good state stays in force',
  end: 'what --features names is right again',
  isSteady: true,
});

/** Subject: the feature's name. */
export const FEATURE_FAILED = defineCondition({
  code: 'FeatureFailed',
  severity: 'error',
  affectsHealth: false,
  title: 'a feature does not start or fails at something: Services are proxied all the same',
  isSteady: true,
  event: { reason: 'FeatureFailed', action: 'StartFeature' },
});

export const CONDITIONS = [
  KERNEL_NOT_COMPARED,
  FAMILY_NOT_PROGRAMMED,
  CHANGES_OVERDUE,
  NOT_READY,
  NODE_NOT_ELIGIBLE,
  KERNEL_PARTLY_UNREAD,
  RULES_UNCONFIRMED,
  OPERATIONS_FAILING,
  DRAINS_NOT_COUNTED,
  LEDGER_NOT_WRITTEN,
  SOURCE_NOT_CONNECTED,
  OTHER_PROXY,
  STALE_FLOWS_KEPT,
  OTHER_MODES_LEFT,
  NODE_UNKNOWN,
  NODE_GONE,
  PODS_NOT_TOLD,
  NODE_NOT_FITTING,
  HOST_UNREAD,
  IPVS_TIMEOUTS_NOT_SET,
  CONNTRACK_NOT_SET,
  CONNTRACK_HASH_TOO_SMALL,
  HEALTHZ_NOT_SERVED,
  METRICS_NOT_SERVED,
  HEALTH_CHECK_PORT_NOT_SERVED,
  LOCALHOST_PORT_NOT_SERVED,
  ALLOCATOR_NOT_ELECTED,
  ADDRESS_NOT_WRITTEN,
  ADDRESS_POOL_FULL,
  ANNOUNCER_DOWN,
  ANNOUNCER_IMPAIRED,
  NO_PEER_HEARD,
  ANNOUNCER_CUT_OFF,
  FEATURES_REFUSED,
  FEATURE_FAILED,
] as const;

export interface ConditionParts {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly health: ProxyHealth;
  readonly families: readonly Family[];
  readonly nodeName: string;
  /** absent without an API server */
  readonly events: EventSink | undefined;
}

/** None standing, told to everybody. */
export function openConditions(parts: ConditionParts): Conditions {
  const { log, clock, health, families, nodeName, events } = parts;
  const tellers = [
    new ConditionLog(log, clock),
    new ConditionHealth(health, families),
    ...(events === undefined ? [] : [new ConditionEvents(events, nodeName)]),
  ];
  const conditions = new Conditions({ known: CONDITIONS, tellers, clock });
  conditions.derive(CHANGES_OVERDUE, () => health.overdue);
  conditions.derive(NOT_READY, () => (health.isReady ? [] : [nodeName]));
  return conditions;
}
