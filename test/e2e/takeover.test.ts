/**
 * The node is taken over from the real kube-proxy and handed back, and the product is restarted by
 * signals and crashes, all under load: no flow fails, none that is held breaks. `npm run takeover`
 * does the same with 300 Services, 500 new flows a second and 100 restarts.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ProductRun } from '../support/e2e/cluster.ts';
import { act, apiServerAway, handBack, takeOver } from '../takeover/acts.ts';
import { undocumented } from '../takeover/documented.ts';
import { randomNumbers } from '../support/program/randomNumbers.ts';
import { restart } from '../takeover/restarts.ts';
import { Scene } from '../takeover/scene.ts';

/** Each kind twice. */
const SERVICES = 32;
const RATE = 50;
const HELD = 20;
const RESTARTS = 6;
const FLOWS_AFTER = 3 * RATE;

let scene: Scene;
let kubeProxy: ProductRun;
let ours: ProductRun;

beforeAll(async () => {
  scene = await Scene.open({ services: SERVICES, timeoutSec: 1_200, say: () => undefined });
  kubeProxy = await scene.startKubeProxy();
  await scene.synced(kubeProxy);
  await scene.startLoad(RATE, HELD);
}, 600_000);

afterAll(async () => {
  const counts = await scene.endLoad();
  await scene.close();
  // oxlint-disable-next-line jest/no-standalone-expect -- of what was asked last
  expect(counts).toMatchObject({ failed: 0, broken: 0, troubles: [] });
}, 120_000);

const nothingLost = { failed: 0, broken: 0 };

/** Under load, which goes on for a while behind it. */
async function undisturbed(perform: () => Promise<unknown>): Promise<void> {
  const done = await act(scene, 'act', FLOWS_AFTER, perform);
  expect({ ...done, ...(await scene.loadCounts()) }).toMatchObject({
    ...nothingLost,
    troubles: [],
  });
}

test('--takeover waits for kube-proxy, and writes what plan has said beside it', async () => {
  await undisturbed(async () => {
    const { run, planned, operations, left } = await takeOver(scene, kubeProxy);
    ours = run;
    expect(operations).toBe(planned.length);
    expect(undocumented(planned)).toEqual([]);
    expect(left).toEqual([]);
  });
}, 600_000);

test('without the API server everything stays, and ready stays what it was', async () => {
  await undisturbed(() => apiServerAway(scene, ours));
}, 600_000);

test('restarts by signals and by crashes in the middle of a start lose no flow', async () => {
  await undisturbed(async () => {
    const restarted = await restart(scene, ours, RESTARTS, randomNumbers(RESTARTS));
    ours = restarted.run;
    expect(restarted.crashedBefore.length).toBeGreaterThan(0);
  });
  expect(await scene.plan()).toEqual([]);
}, 600_000);

test('kube-proxy takes the node back', async () => {
  await undisturbed(async () => (kubeProxy = await handBack(scene, ours)));
}, 600_000);
