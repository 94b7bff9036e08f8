import { afterEach, describe, expect, test } from '@jest/globals';
import { NodeMismatchError } from '../../../src/agent/ownNode.ts';
import { AgentHarness, type AgentHarnessOptions } from '../../support/program/agentHarness.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';

let agent: AgentHarness;
afterEach(() => agent.end());

const WEB = '10.96.0.10:80/TCP';
const cidr = (...podCIDRs: string[]) => ({ spec: { podCIDRs } });

async function begun(options: AgentHarnessOptions = {}): Promise<AgentHarness> {
  agent = await new AgentHarness(options).started();
  agent.service(rawService());
  agent.slice(rawSlice({ endpoints: [{ addresses: ['10.244.1.5'], nodeName: 'node-1' }] }));
  return agent;
}

const programmed = () => [
  ...(agent.kernel.state.virtualServers.get(WEB)?.destinations.keys() ?? []),
];
const nat = () => JSON.stringify([...agent.kernel.state.iptables.IPv4.nat]);
const problems = async () =>
  Number(/^kubeipvs_problems (.*)$/m.exec(await agent.metrics.render())?.[1]);

test('programs what the source tells once it has told everything, then each change', async () => {
  await begun();
  agent.node('node-1');
  expect(agent.kernel.asked).toEqual([]);
  await agent.synced();
  expect(programmed()).toEqual(['10.244.1.5:8080']);
  agent.slice(rawSlice({ endpoints: [{ addresses: ['10.244.1.6'], nodeName: 'node-1' }] }));
  await agent.until(() => programmed().includes('10.244.1.6:8080'));
});

test('ends at the signal, closes what it opened and leaves the kernel as it is', async () => {
  await begun();
  await agent.synced();
  agent.abort();
  await agent.ended;
  expect([agent.source.isStopped, agent.kernel.isClosed]).toEqual([true, true]);
  expect(programmed()).toEqual(['10.244.1.5:8080']);
});

test('a signal before the cluster is listed ends it too', async () => {
  await begun();
  agent.abort();
  await agent.ended;
  expect(agent.kernel.asked).toEqual([]);
});

test('a signal between "all objects listed" and the first round is not lost', async () => {
  await begun();
  const info = agent.log.info.bind(agent.log);
  agent.log.info = (message, fields) => {
    info(message, fields);
    if (message === 'all objects listed') agent.abort();
  };
  agent.source.listener!.onSynced();
  await agent.ended;
  expect(agent.kernel.asked).toEqual([]);
});

test('a configuration that cannot work on this node ends it, with what was opened closed', async () => {
  const host = { families: ['IPv4'] as const };
  await begun({ flags: ['--cluster-cidr=fd00::/8'], host });
  agent.source.listener!.onSynced();
  await expect(agent.ended).rejects.toThrow(NodeMismatchError);
  await expect(agent.ended).rejects.toThrow(/ClusterCIDRs.*holds no IPv4 CIDR/);
  expect([agent.source.isStopped, agent.kernel.isClosed]).toEqual([true, true]);
});

describe('the Node', () => {
  test('that is missing is a problem with the likely name, until one has it', async () => {
    await begun();
    const status = { addresses: [{ type: 'InternalIP', address: '192.168.0.1' }] };
    agent.node('node-1.example.com', { status });
    await agent.synced();
    expect(agent.log.lines.join('\n')).toMatch(
      /warning Node\/node-1: there is no Node.*--hostname-override=node-1\.example\.com/,
    );
    expect(agent.events.map(({ reason }) => reason)).toContain('NodeUnknown');
    expect(await problems()).toBe(1);
    expect(agent.health.healthz().isHealthy).toBe(true);
    agent.node('node-1');
    expect(await problems()).toBe(0);
  });

  test('is looked for again when another Node comes that may be it', async () => {
    await begun();
    await agent.synced();
    expect(agent.log.take().join('\n')).toContain('give the name of this machine');
    agent.node('node-1.lan');
    expect(agent.log.take().join('\n')).toContain('--hostname-override=node-1.lan');
  });

  test('is not asked for where manifests hold no Node at all', async () => {
    await begun({ flags: ['--manifests=/somewhere'], isInCluster: false });
    await agent.synced();
    expect(await problems()).toBe(0);
  });

  test('that is being deleted, or gone, takes the node out of load balancers and nothing out of the kernel', async () => {
    await begun({ flags: ['--nodeport-addresses=primary'] });
    const status = { addresses: [{ type: 'InternalIP', address: '192.168.0.1' }] };
    agent.service(rawService({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }));
    agent.node('node-1', { status });
    await agent.synced();
    const before = [...agent.kernel.state.virtualServers.keys()];
    expect(before).toContain('192.168.0.1:30080/TCP');
    const deletionTimestamp = '2026-11-29T00:00:00Z';
    agent.node('node-1', { metadata: { name: 'node-1', deletionTimestamp }, status });
    expect(agent.health.healthz().isHealthy).toBe(false);
    agent.removeNode('node-1');
    agent.service(rawService({ clusterIPs: ['10.96.0.77'] }, { metadata: { name: 'other' } }));
    await agent.until(() => agent.kernel.state.virtualServers.has('10.96.0.77:80/TCP'));
    expect(agent.health.healthz().isHealthy).toBe(false);
    expect(agent.health.livez().isHealthy).toBe(true);
    expect([...agent.kernel.state.virtualServers.keys()]).toEqual(expect.arrayContaining(before));
    expect(agent.log.lines.join('\n')).toMatch(/warning Node\/node-1: this Node was deleted/);
    agent.node('node-1', { status });
    expect(agent.health.healthz().isHealthy).toBe(true);
    expect(await problems()).toBe(0);
  });
});

describe('detectLocalMode NodeCIDR', () => {
  const flags = ['--detect-local-mode=NodeCIDR'];
  const host = { families: ['IPv4'] as const };

  test('waits for a CIDR that comes later, and proxies meanwhile', async () => {
    await begun({ flags, host });
    agent.node('node-1');
    await agent.synced();
    expect(programmed()).toEqual(['10.244.1.5:8080']);
    expect(await problems()).toBe(1);
    agent.node('node-1', cidr('10.244.1.0/24'));
    await agent.until(() => nat().includes('! -s 10.244.1.0/24'));
    expect(await problems()).toBe(0);
  });

  test('compiles anew when the CIDR changes, and tells no problem twice or as solved', async () => {
    await begun({ flags, host });
    agent.service(rawService({ clusterIPs: ['10.96.0.10'] }, { metadata: { name: 'rival' } }));
    agent.node('node-1', cidr('10.244.1.0/24'));
    await agent.synced();
    expect(agent.log.take().join('\n')).toContain('belongs to Service default/rival');
    agent.node('node-1', cidr('10.244.9.0/24'));
    await agent.until(() => nat().includes('! -s 10.244.9.0/24'));
    agent.service(rawService({ clusterIPs: ['10.96.0.78'] }, { metadata: { name: 'later' } }));
    await agent.until(() => agent.kernel.state.virtualServers.has('10.96.0.78:80/TCP'));
    expect(agent.log.lines.join('\n')).not.toContain('belongs to');
    expect(await problems()).toBe(1);
  });

  test('that changes in the middle of a round makes no problem come and go', async () => {
    await begun({ flags, host });
    agent.service(rawService({ clusterIPs: ['10.96.0.10'] }, { metadata: { name: 'rival' } }));
    agent.node('node-1', cidr('10.244.1.0/24'));
    await agent.synced();
    agent.log.take();
    const { kernel } = agent;
    const apply = kernel.apply.bind(kernel);
    const begins = Promise.withResolvers<void>();
    const goes = Promise.withResolvers<void>();
    kernel.apply = async (plan) => {
      begins.resolve();
      await goes.promise;
      return apply(plan);
    };
    agent.service(rawService({ clusterIPs: ['10.96.0.80'] }, { metadata: { name: 'third' } }));
    await begins.promise;
    agent.node('node-1', cidr('10.244.9.0/24'));
    goes.resolve();
    await agent.until(() => nat().includes('! -s 10.244.9.0/24'));
    expect(agent.log.take().join('\n')).not.toMatch(/solved|belongs to/);
    agent.service(rawService({ clusterIPs: ['10.96.0.80'] }, { metadata: { name: 'fourth' } }));
    await agent.until(() => agent.log.lines.join().includes('belongs to Service default/fourth'));
  });

  test('keeps the CIDR of a Node that is deleted and registered anew without one', async () => {
    await begun({ flags, host });
    agent.node('node-1', cidr('10.244.1.0/24'));
    await agent.synced();
    agent.removeNode('node-1');
    agent.node('node-1');
    agent.service(rawService({ clusterIPs: ['10.96.0.79'] }, { metadata: { name: 'later' } }));
    await agent.until(() => agent.kernel.state.virtualServers.has('10.96.0.79:80/TCP'));
    expect(nat()).toContain('! -s 10.244.1.0/24');
    expect(programmed()).toEqual(['10.244.1.5:8080']);
  });
});
