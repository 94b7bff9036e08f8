/**
 * How a plan is printed: the state that is wanted, what would change, what is wrong, and a summary
 * of it.
 */
import type { DesiredState } from '../dataplane/state.ts';
import { type Problem, formatProblem, problemToJson } from '../model/problem.ts';
import { formatPlan, planSummary, planToJson, stateToJson } from '../plan/format.ts';
import type { Operation } from '../dataplane/operations.ts';
import type { OutputFormat } from './outputFormat.ts';
import { render } from './render.ts';
import { stateText } from './stateText.ts';

export interface MadePlan {
  /** what was compared with: `kernel`, `empty` or a file's name */
  readonly against: string;
  readonly desired: DesiredState;
  readonly operations: readonly Operation[];
  readonly problems: readonly Problem[];
}

export function planText(plan: MadePlan, format: OutputFormat, isDiffOnly: boolean): string {
  const { against, desired, operations, problems } = plan;
  if (format !== 'text') {
    const json = {
      ...(!isDiffOnly && { desired: stateToJson(desired) }),
      against,
      plan: planToJson(operations),
      problems: problems.map(problemToJson),
    };
    return render(json, format);
  }
  const lines = problems.map((problem) => `  ${formatProblem(problem)}\n`);
  return [
    isDiffOnly ? '' : `DESIRED\n${stateText(desired)}\n`,
    operations.length === 0 ? '' : `PLAN\n${formatPlan(operations)}\n`,
    lines.length === 0 ? '' : `PROBLEMS (${lines.length})\n${lines.join('')}\n`,
    `SUMMARY\n${summary(plan)}`,
  ].join('');
}

function summary({ against, desired, operations, problems }: MadePlan): string {
  const change = operations.length === 0 ? nothingToDo(against) : planSummary(operations);
  return (
    `  desired: virtual servers (${desired.virtualServers.size}), addresses (${desired.addresses.size})\n` +
    `  ${COMPARED[against] ?? `beside the plan in ${against}`}: ${change}\n` +
    `  problems: ${problems.length}\n`
  );
}

const COMPARED: Readonly<Record<string, string>> = {
  kernel: 'beside the kernel of this host',
  empty: 'beside an empty kernel (none was looked at)',
};

function nothingToDo(against: string): string {
  return against === 'kernel' ? 'nothing to do, it holds what it should' : 'no difference';
}
