/** What V8 recorded, as stacks with values. */
import type { HeapProfiler, Profiler } from 'node:inspector';
import type { CallFrame, StackSample } from './pprof.ts';

/** Not of our code, and no time of a processor. */
const IDLE = '(idle)';
/** The invisible caller of everything. */
const ROOT = '(root)';

/** Times a stack was seen, and the nanoseconds up to the next look. */
export function cpuSamples(profile: Profiler.Profile): readonly StackSample[] {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const counts = new Map<number, { seen: number; micros: number }>();
  samples.forEach((id, index) => {
    const count = counts.get(id) ?? { seen: 0, micros: 0 };
    count.seen++;
    // A delta is the time before its sample; clocks of two cores may disagree a little.
    count.micros += Math.max(0, timeDeltas[index + 1] ?? 0);
    counts.set(id, count);
  });
  const stacks = stacksOf(nodes, ({ children = [] }) => children);
  return [...counts].flatMap(([id, { seen, micros }]) => {
    const frames = stacks.get(id) ?? [];
    if (frames.length === 0 || frames[0]!.functionName === IDLE) return [];
    return [{ frames, values: [seen, micros * 1000] }];
  });
}

/** Objects and bytes that were allocated and are still there, as V8 estimates from its samples. */
export function heapSamples({ head }: HeapProfiler.SamplingHeapProfile): readonly StackSample[] {
  const found: StackSample[] = [];
  const walk = (node: HeapProfiler.SamplingHeapProfileNode, callers: readonly CallFrame[]) => {
    const frames = isRoot(node) ? callers : [node.callFrame, ...callers];
    if (node.selfSize > 0 && frames.length > 0) found.push({ frames, values: [node.selfSize] });
    for (const child of node.children) walk(child, frames);
  };
  walk(head, []);
  return found;
}

function stacksOf(
  nodes: readonly Profiler.ProfileNode[],
  childrenOf: (node: Profiler.ProfileNode) => readonly number[],
): ReadonlyMap<number, readonly CallFrame[]> {
  const parents = new Map<number, Profiler.ProfileNode>();
  for (const node of nodes) for (const child of childrenOf(node)) parents.set(child, node);
  const stacks = new Map<number, readonly CallFrame[]>();
  for (const node of nodes) {
    const frames: CallFrame[] = [];
    for (let at: Profiler.ProfileNode | undefined = node; at; at = parents.get(at.id)) {
      if (!isRoot(at)) frames.push(at.callFrame);
    }
    stacks.set(node.id, frames);
  }
  return stacks;
}

function isRoot({ callFrame }: { readonly callFrame: CallFrame }): boolean {
  return callFrame.functionName === ROOT;
}
