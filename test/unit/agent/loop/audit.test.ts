/** What happens between the turns in which an audit compares. */
import { afterEach, expect, test } from '@jest/globals';
import type { RoundOutcome } from '../../../../src/plan/round.ts';
import type { FakeKernel } from '../../../support/kernel/fakeKernel.ts';
import type { LoopHarness } from '../../../support/program/loopHarness.ts';
import { destinations, endpoints, startWebLoop, WEB } from '../../../support/program/webLoop.ts';
import { rawService, rawSlice } from '../../../support/objects/rawObjects.ts';

let harness: LoopHarness;
afterEach(() => harness.stop());

const PERIOD_MS = 60_000;

/** One slice a turn: each of many sets is at least one. */
async function started(retryMs = 1): Promise<FakeKernel> {
  const web = await startWebLoop({ syncPeriodMs: PERIOD_MS, turnMs: 0, retryMs });
  ({ harness } = web);
  return web.kernel;
}

/** Until the kernel has been read and the first turn is over. */
async function underWay(): Promise<void> {
  const { length } = harness.readings;
  harness.now += PERIOD_MS;
  harness.loop.changed();
  while (harness.readings.length === length) await new Promise((go) => setImmediate(go));
}

const moved = (...addresses: readonly string[]) => harness.slice(rawSlice(endpoints(...addresses)));

const audited = () => harness.roundWhere(({ isFull }) => isFull);
const repairedIn = ({ repaired }: RoundOutcome) => Object.fromEntries(repaired);

test('a change is programmed at once, and what somebody removed is put back in the end', async () => {
  const kernel = await started();
  kernel.state.addresses.delete('10.96.0.10');
  await underWay();
  moved('10.244.1.5', '10.244.1.9');
  const change = await harness.round();
  expect(change.isFull).toBe(false);
  expect(destinations(kernel)).toEqual(['10.244.1.5 1', '10.244.1.9 1']);
  expect(kernel.state.addresses).not.toContain('10.96.0.10');
  const { planned, ...audit } = await audited();
  expect(planned).toEqual([{ op: 'bindAddress', address: '10.96.0.10' }]);
  expect(repairedIn({ planned, ...audit })).toEqual({ address: 1 });
});

test('what a change puts right on its way is drift too, once', async () => {
  const kernel = await started();
  kernel.state.virtualServers.get(WEB)!.destinations.delete('10.244.1.5:8080');
  await underWay();
  moved('10.244.1.5', '10.244.1.6', '10.244.1.9');
  expect(repairedIn(await harness.round())).toEqual({ destination: 1 });
  expect(destinations(kernel)).toHaveLength(3);
  const audit = await audited();
  expect(audit.planned).toEqual([]);
  expect(repairedIn(audit)).toEqual({});
});

test('what we take away ourselves meanwhile is no drift when it comes back', async () => {
  const kernel = await started();
  await underWay();
  moved('10.244.1.5');
  await harness.round();
  expect(destinations(kernel)).toEqual(['10.244.1.5 1']);
  moved('10.244.1.5', '10.244.1.6');
  const rounds = [];
  do rounds.push(await harness.round());
  while (!rounds.at(-1)!.isFull);
  expect(rounds.map(repairedIn)).toEqual(rounds.map(() => ({})));
  expect(destinations(kernel)).toEqual(['10.244.1.5 1', '10.244.1.6 1']);
});

test('what fails when its key has been compared goes on being tried', async () => {
  const kernel = await started(PERIOD_MS);
  await underWay();
  // The set of cluster addresses is the first one, and there are more turns to come than these.
  for (let turn = 0; turn < 10; turn++) await new Promise((go) => setTimeout(go, 0));
  let isBroken = true;
  kernel.failureRule = ({ op }) => (isBroken && op === 'addEntry' ? new Error('no') : undefined);
  harness.service(rawService({ clusterIPs: ['10.96.0.20'] }));
  const { isFull, report } = await harness.round();
  expect(isFull).toBe(false);
  expect(report.failed.length).toBeGreaterThan(0);
  isBroken = false;
  await audited();
  expect(harness.retries.size).toBe(0);
  expect(kernel.state.addresses).toContain('10.96.0.20');
});

test('a new source is compared whole at once, and the audit is over with it', async () => {
  const kernel = await started();
  kernel.state.addresses.delete('10.96.0.10');
  await underWay();
  harness.loop.resync();
  const { isFull, planned } = await harness.round();
  expect(isFull).toBe(true);
  expect(planned).toEqual([{ op: 'bindAddress', address: '10.96.0.10' }]);
  await underWay();
  expect((await audited()).planned).toEqual([]);
});

test('the next audit waits for the end of this one', async () => {
  await started();
  await underWay();
  const { length } = harness.readings;
  harness.now += PERIOD_MS;
  moved('10.244.1.5');
  expect((await harness.round()).isFull).toBe(false);
  expect(harness.readings).toHaveLength(length);
  await audited();
  await audited();
  expect(harness.readings).toHaveLength(length + 1);
});
