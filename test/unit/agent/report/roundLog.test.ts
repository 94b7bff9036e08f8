import { beforeEach, expect, test } from '@jest/globals';
import { RoundLog } from '../../../../src/agent/report/roundLog.ts';
import type { DriftCounts } from '../../../../src/dataplane/driftKinds.ts';
import { type Part, rulesPart, setPart } from '../../../../src/dataplane/part.ts';
import { emptyState } from '../../../../src/dataplane/state.ts';
import { ConditionLog } from '../../../../src/ops/conditionLog.ts';
import { Conditions } from '../../../../src/ops/conditions.ts';
import { FakeClock } from '../../../support/program/fakeClock.ts';
import { FakeLog } from '../../../support/program/fakeLog.ts';

let clock: FakeClock;
let log: FakeLog;
let rounds: RoundLog;

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog(2);
  const conditions = new Conditions({ known: [], tellers: [new ConditionLog(log, clock)], clock });
  rounds = new RoundLog({ log, conditions });
});

const NONE: ReadonlyMap<Part, Error> = new Map();
const parts = (...names: Part[]) => new Map(names.map((name) => [name, new Error('EAGAIN')]));

test('what cannot be read is told when it is new, with five of its names, and its end', async () => {
  const sets = [1, 2, 3, 4, 5, 6].map((i): Part => setPart(`S${i}`));
  const read = (unread: ReadonlyMap<Part, Error>) =>
    rounds.read({ unread, unconfirmed: NONE, durationMs: 1, nextInMs: 1_500 });
  read(NONE);
  expect(log.take()).toEqual([]);
  read(parts(...sets));
  read(parts(...sets));
  const line =
    'cannot be read from the kernel: ipset S1, ipset S2, ipset S3, ipset S4, ipset S5 and 1 more; ' +
    'that stays as it is, everything else goes on; trying again in 1.5 s';
  expect(log.take()).toEqual([`error ${line}: EAGAIN`, `v2 ${line} {"err":"EAGAIN"}`]);
  await clock.advance(10_000);
  read(parts(rulesPart('IPv4', 'nat')));
  expect(log.take()[0]).toMatch(/^error cannot be read from the kernel: rules IPv4 nat; that/);
  read(NONE);
  read(NONE);
  expect(log.take()).toEqual(['info everything can be read from the kernel again']);
});

test('rules that read back otherwise are told once, and their end', () => {
  const unconfirmed = parts(rulesPart('IPv6', 'filter'));
  for (let i = 0; i < 3; i++)
    rounds.read({ unread: NONE, unconfirmed, durationMs: 1, nextInMs: 30_000 });
  rounds.read({ unread: NONE, unconfirmed: NONE, durationMs: 1, nextInMs: 30_000 });
  expect(log.lines).toEqual([
    'error rules IPv6 filter: EAGAIN',
    'info all rules read back as they were written',
  ]);
});

test('a chore that fails is told once, each by itself, and its end', () => {
  rounds.chore('ledger', undefined);
  rounds.chore('ledger', new Error('EROFS'));
  rounds.chore('ledger', new Error('EROFS'));
  rounds.chore('drain', new Error('EIO'));
  rounds.chore('ledger', undefined);
  rounds.chore('drain', undefined);
  expect(log.lines).toEqual([
    expect.stringMatching(/ledger\.json cannot be written: .*: EROFS$/),
    expect.stringMatching(/^error connections of draining destinations cannot be counted.*: EIO$/),
    expect.stringMatching(/^info .*ledger\.json is written again$/),
    'info connections of draining destinations can be counted again',
  ]);
});

const NO_TIME = { compile: 0, compare: 0, apply: 0 };

test('what somebody else had changed is told by kind', () => {
  const done = [{ op: 'createDummyDevice' }] as const;
  const report = { done, failed: [], draining: [], kernelWrites: 1 };
  const outcome = { planned: done, report, newlyFailed: [], durationMs: 1, phasesMs: NO_TIME };
  const tell = (isFull: boolean, repaired: DriftCounts) =>
    rounds.done({ ...outcome, isFull, repaired }, emptyState(), []);
  tell(true, new Map());
  tell(false, new Map([['device', 1]]));
  tell(true, new Map([['weight', 2]]));
  const fields = '"operations":1,"failed":0,"kernelWrites":1,"durationMs":1}';
  expect(log.lines).toEqual([
    `info first sync done {${fields}`,
    `info put right what somebody else had changed {"device":1,${fields}`,
    `info audit corrected the kernel {"weight":2,${fields}`,
  ]);
});
