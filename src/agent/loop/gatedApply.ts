/**
 * Applies a plan in its order, and looks at what failed so far before each run of operations that
 * can attract traffic. Whole runs, for the kernel layer sends many operations in few system calls.
 */
import type { Dataplane } from '../../dataplane/dataplane.ts';
import { type Gate, isGated } from '../../plan/holdBack.ts';
import type { ApplyReport, FailedOperation, Operation } from '../../dataplane/operations.ts';

/** @param gateAfter given what was done so far */
export async function applyGated(
  plan: readonly Operation[],
  dataplane: Pick<Dataplane, 'apply'>,
  gateAfter: (soFar: ApplyReport) => Gate,
): Promise<ApplyReport> {
  let report: ApplyReport = { done: [], failed: [], draining: [], kernelWrites: 0 };
  for (const { isHoldable, run } of runsOf(plan)) {
    const held = isHoldable ? heldBack(run, gateAfter(report)) : [];
    const waiting = new Set(held.map(({ operation }) => operation));
    const rest = waiting.size === 0 ? run : run.filter((operation) => !waiting.has(operation));
    report = merged(report, await dataplane.apply(rest), held);
  }
  return report;
}

interface Run {
  readonly isHoldable: boolean;
  readonly run: Operation[];
}

function runsOf(plan: readonly Operation[]): readonly Run[] {
  const runs: Run[] = [];
  for (const operation of plan) {
    const isHoldable = isGated(operation);
    const last = runs.at(-1);
    if (last?.isHoldable === isHoldable) last.run.push(operation);
    else runs.push({ isHoldable, run: [operation] });
  }
  return runs;
}

function heldBack(run: readonly Operation[], gate: Gate): FailedOperation[] {
  return run.flatMap((operation) => {
    const error = gate(operation);
    return error === undefined ? [] : [{ operation, error }];
  });
}

function merged(
  before: ApplyReport,
  after: ApplyReport,
  held: readonly FailedOperation[],
): ApplyReport {
  return {
    done: [...before.done, ...after.done],
    failed: [...before.failed, ...after.failed, ...held],
    draining: [...before.draining, ...after.draining],
    kernelWrites: before.kernelWrites + after.kernelWrites,
  };
}
