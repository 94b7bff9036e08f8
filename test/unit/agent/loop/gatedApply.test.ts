import { expect, test } from '@jest/globals';
import { applyGated } from '../../../../src/agent/loop/gatedApply.ts';
import { HeldBackError } from '../../../../src/plan/holdBack.ts';
import type { ApplyReport, Operation } from '../../../../src/dataplane/operations.ts';

const set = { name: 'S', type: 'hash:ip', family: 'IPv4' } as const;
const server = {
  address: '10.0.0.1',
  port: 80,
  protocol: 'TCP',
  scheduler: 'rr',
  flags: [],
} as const;
const destination = { address: '10.1.0.1', port: 8080, weight: 1 };
const rules = { op: 'writeRules', family: 'IPv4', table: 'nat', chains: new Map() } as const;
const bind = { op: 'bindAddress', address: '10.0.0.1' } as const;
const entry = { op: 'addEntry', set, entry: '10.0.0.1' } as const;

function kernel(isBad: (operation: Operation) => boolean = () => false) {
  const runs: string[][] = [];
  const apply = async (run: readonly Operation[]): Promise<ApplyReport> => {
    runs.push(run.map(({ op }) => op));
    const failed = run.filter(isBad).map((operation) => ({ operation, error: new Error('no') }));
    return {
      done: run.filter((operation) => !isBad(operation)),
      failed,
      draining: [],
      kernelWrites: run.length,
    };
  };
  return { apply, runs };
}

test('operations of one subsystem stay together, those on servers too, whatever they do', async () => {
  const { apply, runs } = kernel();
  const plan: Operation[] = [
    rules,
    entry,
    { op: 'updateServer', server },
    { op: 'addDestination', server, destination },
    { op: 'updateDestination', server, destination },
    { op: 'addServer', server },
    bind,
    { op: 'removeDestination', server, destination },
    { op: 'removeEntry', set, entry: '10.0.0.2' },
  ];
  const report = await applyGated(plan, { apply }, () => () => undefined);
  expect(runs.map((run) => run.length)).toEqual([2, 6, 1]);
  expect(report.done).toEqual(plan);
  expect(report.kernelWrites).toBe(9);
});

test('what is held back never reaches the kernel and is reported, the rest of its run goes on', async () => {
  const { apply, runs } = kernel(({ op }) => op === 'writeRules');
  const held = new HeldBackError('wait');
  const report = await applyGated(
    [rules, { op: 'addServer', server }, bind],
    { apply },
    (soFar) => {
      const isLocked = soFar.failed.some(({ operation }) => operation === rules);
      return ({ op }) => (isLocked && op === 'bindAddress' ? held : undefined);
    },
  );
  expect(runs).toEqual([['writeRules'], ['addServer']]);
  expect(report.failed.map(({ operation }) => operation.op)).toEqual(['writeRules', 'bindAddress']);
  expect(report.failed[1]!.error).toBe(held);
  expect(report.done.map(({ op }) => op)).toEqual(['addServer']);
});
