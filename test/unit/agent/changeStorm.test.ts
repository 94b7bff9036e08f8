/**
 * Five thousand changes a second for ten seconds of simulated time: a kernel that is slower than
 * they come sees the last of each, and nothing piles up on the way.
 */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { FeatureRow } from '../../../src/agent/features.ts';
import type { Feature } from '../../../src/feature/feature.ts';
import { FakeKernel } from '../../support/kernel/fakeKernel.ts';
import { AgentHarness } from '../../support/program/agentHarness.ts';

const SERVICES = 100;
const PER_TICK = 50;
const TICK_MS = 10;
const TICKS = 1_000;
/** What the slow kernel takes for a round. */
const ROUND_MS = 1_000;

const nameOf = (i: number) => `s${i % SERVICES}`;
const addressOf = (i: number) => `10.96.1.${i % SERVICES}`;
const keyOf = (i: number) => `${addressOf(i)}:80/TCP`;
/** Another one with each change. */
const endpointOf = (nth: number) => `10.244.${(nth >> 8) % 250}.${nth % 250}`;

let agent: AgentHarness;
// Beside the agent's clock nothing comes due.
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
});
afterEach(async () => {
  await agent.end();
  jest.useRealTimers();
});

function change(i: number): void {
  const labels = { 'kubernetes.io/service-name': nameOf(i) };
  agent.slice({
    metadata: { name: nameOf(i), namespace: 'default', labels },
    addressType: 'IPv4',
    ports: [{ name: 'p', port: 80, protocol: 'TCP' }],
    endpoints: [{ addresses: [endpointOf(i)] }],
  });
}

test.each([
  ['as fast as they come', 0, TICKS],
  ['a hundred times slower', ROUND_MS, (TICKS * TICK_MS) / ROUND_MS],
])(
  'the kernel is %s',
  async (_, roundMs, mostRounds) => {
    const kernel = new FakeKernel();
    const operations: number[] = [];
    const apply = kernel.apply.bind(kernel);
    const feature: Feature = {
      name: 'watch',
      start: () => ({
        round: ({ planned }) => operations.push(planned.length),
        stop: () => undefined,
      }),
    };
    const watch: FeatureRow = { name: 'watch', asked: () => ({ load: async () => feature }) };
    agent = await new AgentHarness({ kernel, isTimeFake: true, features: [watch] }).started();
    const { clock } = agent;
    kernel.apply = async (plan) => {
      if (roundMs > 0 && plan.length > 0) await clock.sleep(roundMs);
      return apply(plan);
    };
    for (let i = 0; i < SERVICES; i++) {
      const ports = [{ name: 'p', port: 80, protocol: 'TCP' }];
      agent.service({
        metadata: { name: nameOf(i), namespace: 'default' },
        spec: { clusterIPs: [addressOf(i)], ports },
      });
    }
    agent.node('node-1');
    agent.source.listener!.onSynced();
    // The ledger is a real file: how long its opening takes the simulated clock does not know.
    while (!agent.log.lines.some((line) => line.includes('first sync done')))
      await clock.advance(ROUND_MS);
    await clock.advance(10 * ROUND_MS);

    operations.length = 0;
    for (let tick = 0; tick < TICKS; tick++) {
      for (let i = 0; i < PER_TICK; i++) change(tick * PER_TICK + i);
      await clock.advance(TICK_MS);
    }
    expect(operations.length).toBeLessThanOrEqual(mostRounds + 2);
    await clock.advance(10 * ROUND_MS);

    const last = TICKS * PER_TICK - SERVICES;
    for (let i = last; i < TICKS * PER_TICK; i++) {
      const { destinations } = kernel.state.virtualServers.get(keyOf(i))!;
      expect([...destinations.keys()]).toEqual([`${endpointOf(i)}:80`]);
    }
    // One destination comes and one goes a Service, with an entry each for its own connections.
    expect(Math.max(...operations)).toBeLessThanOrEqual(4 * SERVICES);
    const text = await agent.metrics.render();
    expect(text).toContain('kubeipvs_failing_operations 0\n');
    expect(text).toContain('kubeipvs_draining_destinations 0\n');
    expect(agent.health.isHealthy).toBe(true);
    expect(agent.conditions.standing).toEqual([]);
  },
  600_000,
);
