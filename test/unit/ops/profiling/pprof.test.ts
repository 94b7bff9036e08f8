import type { HeapProfiler, Profiler } from 'node:inspector';
import { expect, test } from '@jest/globals';
import { encodePprof } from '../../../../src/ops/profiling/pprof.ts';
import { cpuSamples, heapSamples } from '../../../../src/ops/profiling/v8Profiles.ts';
import { pprofText } from '../../../support/program/pprofText.ts';

const SAMPLES = { type: 'samples', unit: 'count' };
const CPU = { type: 'cpu', unit: 'nanoseconds' };
const at = (functionName: string, lineNumber = 0, url = 'a.js') => ({
  functionName,
  url,
  lineNumber,
  columnNumber: 0,
  scriptId: '1',
});

const head = {
  types: [SAMPLES, CPU],
  periodType: CPU,
  period: 1_000_000,
  startedAtMs: 1_796_013_028_336,
  durationMs: 30_000.5,
};

test('stacks, values, times and names are in it', () => {
  const bytes = encodePprof(head, [
    { frames: [at('inner', 2), at('outer')], values: [2, 2_000_000_000_000] },
    { frames: [at('outer', 7)], values: [0, 0] },
    { frames: [at('', 0, 'b.js')], values: [300, 1] },
  ]);
  expect(pprofText(bytes)).toEqual({
    samples: [
      'samples/count 2 cpu/nanoseconds 2000000000000: inner a.js:3 < outer a.js:1',
      'samples/count 0 cpu/nanoseconds 0: outer a.js:8',
      'samples/count 300 cpu/nanoseconds 1: (anonymous) b.js:1',
    ],
    periodType: 'cpu/nanoseconds',
    period: 1_000_000,
    timeNanos: 1_796_013_028_336_000_000,
    durationNanos: 30_000_500_000,
  });
});

test('a profile without samples is one', () => {
  expect(pprofText(encodePprof(head, []))).toMatchObject({ samples: [], period: 1_000_000 });
});

test("V8's CPU profile: each stack once, the time up to the next look, nothing idle", () => {
  const node = (id: number, callFrame: Profiler.ProfileNode['callFrame'], children: number[]) => ({
    id,
    callFrame,
    children,
  });
  const profile = {
    nodes: [
      node(1, at('(root)'), [2, 3, 5]),
      node(2, at('(idle)'), []),
      node(3, at('run', 9), [4]),
      node(4, at('work', 4), []),
      node(5, at('(garbage collector)'), []),
    ],
    startTime: 0,
    endTime: 100,
    samples: [4, 2, 4, 5, 3, 1],
    timeDeltas: [5, 10, 20, 30, -1, 40],
  };
  expect(cpuSamples(profile)).toEqual([
    { frames: [at('work', 4), at('run', 9)], values: [2, 40_000] },
    { frames: [at('(garbage collector)')], values: [1, 0] },
    { frames: [at('run', 9)], values: [1, 40_000] },
  ]);
});

test("V8's sampled heap: bytes by stack", () => {
  const node = (
    callFrame: ReturnType<typeof at>,
    selfSize: number,
    children: HeapProfiler.SamplingHeapProfileNode[] = [],
  ) => ({ callFrame, selfSize, id: 0, children });
  const tree = node(at('(root)'), 8, [
    node(at('outer'), 0, [node(at('inner', 3), 100)]),
    node(at('other'), 7),
  ]);
  expect(heapSamples({ head: tree })).toEqual([
    { frames: [at('inner', 3), at('outer')], values: [100] },
    { frames: [at('other')], values: [7] },
  ]);
});
