/** What a contributor wants reaches the kernel by the agent, and goes when it is off. */
import { expect, test } from '@jest/globals';
import { tablesIn } from '../../../src/dataplane/tables.ts';
import { FakeKernel } from '../../support/kernel/fakeKernel.ts';
import {
  TEST_CHAIN,
  TEST_ENTRY,
  TEST_FOOTPRINT,
  TEST_SET,
  TestContributor,
} from '../../support/objects/testContributor.ts';
import { AgentHarness } from '../../support/program/agentHarness.ts';

const ON = { make: () => [new TestContributor()], off: [], needs: new Set<never>() };
const OFF = { make: () => [], off: [TEST_FOOTPRINT], needs: new Set<never>() };

function tablesWithChain({ state }: FakeKernel): string[] {
  return tablesIn(state.iptables.IPv4).flatMap(([name, chains]) =>
    chains.has(TEST_CHAIN) ? [name] : [],
  );
}

test('a set with its members and a chain in each table, until a process begins without it', async () => {
  const kernel = new FakeKernel();
  const first = await new AgentHarness({ kernel, contributors: ON }).started();
  try {
    await first.synced();
    expect([...kernel.state.ipsets.get(TEST_SET)!.entries]).toEqual([TEST_ENTRY.IPv4]);
    expect(tablesWithChain(kernel)).toEqual(['raw', 'mangle', 'nat', 'filter']);
  } finally {
    await first.end();
  }
  const second = await new AgentHarness({ kernel, contributors: OFF }).started();
  try {
    await second.synced();
    expect(kernel.state.ipsets.has(TEST_SET)).toBe(false);
    expect(tablesWithChain(kernel)).toEqual([]);
  } finally {
    await second.end();
  }
});
