import { defineCondition } from '../../ops/conditions.ts';

/** Subject: what cannot be removed. */
export const OTHER_MODES_LEFT = defineCondition({
  code: 'OtherModesLeft',
  severity: 'error',
  affectsHealth: false,
  title: "what kube-proxy's other modes have left cannot be removed",
  end: "what kube-proxy's other modes had left is removed",
});
