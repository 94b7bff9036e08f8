/**
 * What is wrong with this node's place in the cluster, as conditions: by what its Problems have for
 * consequence.
 */
import { formatProblem, type Problem } from '../../model/problem.ts';
import type { Condition, Conditions } from '../../ops/conditions.ts';
import type { Logger } from '../../ops/log.ts';
import { NODE_GONE, NODE_NOT_ELIGIBLE, NODE_UNKNOWN, PODS_NOT_TOLD } from '../conditions.ts';

export interface NodeReviewParts {
  readonly log: Logger;
  readonly conditions: Conditions;
  readonly nodeName: string;
}

const OF_THE_NODE: readonly Condition[] = [NODE_UNKNOWN, NODE_GONE, PODS_NOT_TOLD];

/** @param problems all that stand now */
export function reviewNode({ log, conditions }: NodeReviewParts, problems: readonly Problem[]) {
  for (const condition of OF_THE_NODE) {
    // With other words it is another problem: what was found wrong first is solved.
    const texts = problems
      .filter(({ consequence }) => consequence === condition.code)
      .map(formatProblem);
    const reports = new Map(texts.map((message) => [message, { message }]));
    for (const { report } of conditions.replace(condition, reports)) {
      log.verbose(1, `solved: ${report.message}`);
    }
  }
}

/** They are problems as those of objects are, and are counted with them. */
export function countNodeProblems(conditions: Conditions): number {
  return OF_THE_NODE.reduce((sum, condition) => sum + conditions.countOf(condition), 0);
}

/**
 * False while the Node is being deleted, once it is gone, or when the cluster autoscaler is about
 * to remove it (KEP-3836).
 */
export function judgeEligibility(
  { conditions, nodeName }: NodeReviewParts,
  isEligible: boolean,
): void {
  const message = 'this Node is leaving the cluster, or is gone';
  if (isEligible) conditions.clear(NODE_NOT_ELIGIBLE, nodeName);
  else conditions.set(NODE_NOT_ELIGIBLE, nodeName, { message });
}
