/**
 * What the kernel refused at the start. The proxy works all the same, and nobody looks again while
 * it runs: kube-proxy sets these once, and what an operator tunes afterwards is his.
 */
import { defineCondition } from '../ops/conditions.ts';

/** Subject: the subsystem. */
export const IPVS_TIMEOUTS_NOT_SET = defineCondition({
  code: 'IpvsTimeoutsNotSet',
  severity: 'error',
  affectsHealth: false,
  title: 'connections in IPVS time out after what was set before, not after what is configured',
});

export const CONNTRACK_NOT_SET = defineCondition({
  code: 'ConntrackNotSet',
  severity: 'error',
  affectsHealth: false,
  title: 'the table of connections has another size or other timeouts than are configured',
});

export const CONNTRACK_HASH_TOO_SMALL = defineCondition({
  code: 'ConntrackHashTooSmall',
  severity: 'warning',
  affectsHealth: false,
  title: 'the table of connections may hold more of them than it finds quickly',
  event: { reason: 'readOnlySysFS', action: 'StartKubeProxy' },
});
