/**
 * A kube-proxy that comes back while we run: seen, told as long as it lasts, told when it is over.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Sighting } from '../../../src/node/otherProxy.ts';
import { RivalWatch } from '../../../src/agent/rivalWatch.ts';
import type { RoundOutcome } from '../../../src/plan/round.ts';
import type { Operation } from '../../../src/dataplane/operations.ts';
import { ConditionLog } from '../../../src/ops/conditionLog.ts';
import { Conditions, type StandingCondition } from '../../../src/ops/conditions.ts';
import { FakeClock } from '../../support/program/fakeClock.ts';

const LOOK_MS = 120_000;

let clock: FakeClock;
let sightings: Sighting[];
let hasTable: boolean;
let lines: string[];
let changes: (string | undefined)[];
let conditions: Conditions;
let watch: RivalWatch;

beforeEach(() => {
  clock = new FakeClock();
  sightings = [];
  hasTable = false;
  lines = [];
  changes = [];
  const line = (text: string) => lines.push(text);
  const log = { error: line, info: line, verbose: () => undefined } as never;
  const onChange = {
    stands: ({ report }: StandingCondition, isNew: boolean) =>
      void (isNew && changes.push(report.message)),
    ends: () => void changes.push(undefined),
  };
  const tellers = [new ConditionLog(log, clock), onChange];
  conditions = new Conditions({ known: [], tellers, clock });
  watch = new RivalWatch({
    look: async () => sightings,
    hasProxyTable: async () => hasTable,
    log,
    clock,
    conditions,
  });
});
afterEach(() => watch.close());

const process12: Sighting = { kind: 'kube-proxy', evidence: 'process 12 is kube-proxy' };

function audit(...done: Operation['op'][]): void {
  const report = { done: done.map((op) => ({ op })), failed: [], kernelWrites: done.length };
  watch.round({ isFull: true, report } as unknown as RoundOutcome);
}

test('it is told when it comes, again from time to time, and when it has gone', async () => {
  watch.start();
  await clock.advance(2 * LOOK_MS);
  expect(lines).toEqual([]);
  sightings = [process12];
  await clock.advance(LOOK_MS);
  expect(lines).toEqual([
    expect.stringMatching(
      /process 12 is kube-proxy.*delete daemonset\/kube-proxy configmap\/kube-proxy/,
    ),
  ]);
  expect(changes).toEqual([lines[0]]);
  await clock.advance(2 * LOOK_MS);
  expect(lines).toHaveLength(1);
  await clock.advance(2 * LOOK_MS);
  expect(lines).toEqual([lines[0], lines[0]]);
  sightings = [];
  await clock.advance(LOOK_MS);
  expect(lines.at(-1)).toBe('no sign of another Service proxy any more');
  expect(changes).toEqual([lines[0], undefined]);
});

test('our own answers and those of pretenders are no signs', async () => {
  sightings = [
    { kind: 'ours', evidence: 'ours' },
    { kind: 'pretender', evidence: 'user 1000' },
  ];
  watch.start();
  await clock.advance(3 * LOOK_MS);
  expect(lines).toEqual([]);
});

test('its nftables table is a sign if it was not there at the start, or has gone meanwhile', async () => {
  hasTable = true;
  watch.start();
  await clock.advance(3 * LOOK_MS);
  expect(lines).toEqual([]);
  hasTable = false;
  await clock.advance(LOOK_MS);
  hasTable = true;
  await clock.advance(LOOK_MS);
  expect(lines).toEqual([expect.stringContaining('its nftables table kube-proxy has appeared')]);
});

test('three audits in a row that find our rules changed are a sign, other corrections are none', async () => {
  watch.start();
  // The first round writes everything.
  audit('writeRules');
  audit('writeRules');
  audit('writeRules');
  audit('addServer');
  audit('writeRules');
  audit('writeRules');
  await clock.advance(LOOK_MS);
  expect(lines).toEqual([]);
  audit('addServer', 'writeRules');
  await clock.advance(LOOK_MS);
  expect(lines).toEqual([expect.stringContaining('3 audits in a row found our iptables rules')]);
  audit();
  await clock.advance(LOOK_MS);
  expect(changes.at(-1)).toBeUndefined();
  expect(changes).toHaveLength(2);
});

test('a look that fails is repeated, and an end in the middle of the pause is at once', async () => {
  let looks = 0;
  const failing = new RivalWatch({
    look: () => {
      looks++;
      return Promise.reject(new Error('EMFILE'));
    },
    hasProxyTable: () => Promise.reject(new Error('EPERM')),
    log: { verbose: () => undefined } as never,
    clock,
    conditions,
  });
  failing.start();
  await clock.advance(2 * LOOK_MS);
  expect(looks).toBe(2);
  await failing.close();
});
