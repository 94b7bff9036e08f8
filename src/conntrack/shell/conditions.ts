import { defineCondition } from '../../ops/conditions.ts';

/** Subject: the address family. */
export const STALE_FLOWS_KEPT = defineCondition({
  code: 'StaleFlowsKept',
  severity: 'error',
  affectsHealth: false,
  title: 'UDP flows to where their Service was cannot be looked for',
});
