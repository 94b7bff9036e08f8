/**
 * Clusters that change: a folder holds the states as 0.yaml, 1.yaml and so on, `expected.txt` what
 * each step does to a kernel whose clients hold a connection to each endpoint that they ever had.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { difference } from '../../src/plan/difference.ts';
import { formatOperation } from '../../src/plan/format.ts';
import { orderPlan } from '../../src/plan/order.ts';
import { FakeKernel } from '../support/kernel/fakeKernel.ts';
import { loadScenario } from '../support/golden/scenario.ts';

const ROOT = join(import.meta.dirname, 'changes');
const isUpdating = process.env['UPDATE_GOLDEN'] === '1';

test.each(readdirSync(ROOT).toSorted())('%s', async (name) => {
  const folder = join(ROOT, name);
  const kernel = new FakeKernel();
  let text = '';
  for (let step = 0; existsSync(join(folder, `${step}.yaml`)); step++) {
    const { state } = await loadScenario(folder, `${step}.yaml`);
    const context = { isOwned: () => true, excludeCidrs: [] };
    const plan = orderPlan(difference(state, kernel.state, context));
    const { failed } = await kernel.apply(plan);
    expect(failed).toEqual([]);
    // What there is at the start goes without saying.
    if (step > 0)
      text += `${step}.yaml\n${plan.map((each) => `  ${formatOperation(each)}\n`).join('')}`;
    for (const [key, server] of kernel.state.virtualServers)
      for (const destination of server.destinations.keys())
        kernel.setConnections(key, destination, 1);
  }
  const file = join(folder, 'expected.txt');
  if (isUpdating) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
});
