/**
 * What features mean for a running agent: it is told nothing of their troubles, and minds what they
 * hold back.
 */
import { afterEach, expect, test } from '@jest/globals';
import { FEATURES, type FeatureRow } from '../../../src/agent/features.ts';
import type { FeatureHost, Running } from '../../../src/feature/feature.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';
import { AgentHarness } from '../../support/program/agentHarness.ts';

const EXTERNAL = '80.11.12.10';

let agent: AgentHarness;
afterEach(() => agent.end());

const row = (name: string, start: (host: FeatureHost) => Running): FeatureRow => ({
  name,
  asked: () => ({ load: async () => ({ name, start }) }),
});

async function begun(...features: readonly FeatureRow[]): Promise<AgentHarness> {
  agent = await new AgentHarness({ features }).started();
  agent.service(rawService({ externalIPs: [EXTERNAL] }));
  agent.slice(rawSlice());
  agent.node('node-1');
  return agent;
}

function apiServersAt(...addresses: readonly string[]): void {
  const metadata = {
    name: 'kubernetes',
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': 'kubernetes' },
  };
  const endpoints = addresses.map((address) => ({ addresses: [address] }));
  agent.slice(rawSlice({ metadata, endpoints }));
}

test('an address of the API servers is never bound, nor when they move there', async () => {
  await begun(...FEATURES.filter(({ name }) => name === 'api-server-addresses'));
  apiServersAt(EXTERNAL);
  await agent.synced();
  expect([...agent.kernel.state.addresses]).not.toContain(EXTERNAL);
  apiServersAt('192.168.0.250');
  await agent.until(() => agent.kernel.state.addresses.has(EXTERNAL));
  apiServersAt(EXTERNAL);
  await agent.until(() => !agent.kernel.state.addresses.has(EXTERNAL));
});

test('features that fail at everything leave the proxy proxying', async () => {
  const fail = (what: string) => () => {
    throw new Error(what);
  };
  const failing = { changed: fail('changed'), round: fail('round'), stop: fail('stop') };
  await begun(
    row('never', fail('start')),
    row('always', () => failing),
  );
  await agent.synced();
  expect(agent.kernel.state.virtualServers.has('10.96.0.10:80/TCP')).toBe(true);
  agent.service(rawService({ clusterIPs: ['10.96.0.77'] }, { metadata: { name: 'other' } }));
  await agent.until(() => agent.kernel.state.virtualServers.has('10.96.0.77:80/TCP'));
  const text = await agent.metrics.render();
  expect(text).toContain('\nkubeipvs_condition{code="FeatureFailed"} 2\n');
  expect(agent.health.healthz().isHealthy).toBe(true);
  expect(agent.events.filter(({ reason }) => reason === 'FeatureFailed')).toHaveLength(2);
  agent.abort();
  await agent.ended;
  expect(agent.kernel.isClosed).toBe(true);
});

test('a feature sees the cluster, what is wanted and what the kernel has', async () => {
  let host: FeatureHost | undefined;
  const rounds: boolean[] = [];
  const watching = row('watching', (given) => {
    host = given;
    return { round: ({ isFull }) => void rounds.push(isFull), stop: () => undefined };
  });
  await begun(watching);
  await agent.until(() => host !== undefined);
  expect(host!.desired()).toBeUndefined();
  expect(host!.programmed().virtualServers.size).toBe(0);
  await agent.synced();
  await host!.synced;
  expect([...host!.cluster.services.keys()]).toEqual(['default/web']);
  expect(host!.desired()).toBe(agent.desired);
  expect([...host!.programmed().virtualServers.keys()]).toContain('10.96.0.10:80/TCP');
  expect(rounds).toEqual([true]);
});
