/** What a change of the host means for a running agent. */
import { afterEach, expect, test } from '@jest/globals';
import { AgentHarness } from '../../support/program/agentHarness.ts';
import { hostNetwork } from '../../support/objects/nodeFixtures.ts';
import { rawService, rawSlice } from '../../support/objects/rawObjects.ts';

const EXTERNAL = '80.11.12.10';

let agent: AgentHarness;
afterEach(() => agent.end());

async function running(flags: readonly string[] = []): Promise<AgentHarness> {
  agent = await new AgentHarness({ flags }).started();
  const ports = [{ name: 'http', port: 80, nodePort: 30080 }];
  agent.service(rawService({ type: 'NodePort', externalIPs: [EXTERNAL], ports }));
  agent.slice(rawSlice());
  agent.node('node-1');
  await agent.synced();
  return agent;
}

const nodePorts = () =>
  [...agent.kernel.state.virtualServers.keys()].filter((key) => key.endsWith(':30080/TCP'));
const withLink = (name: string, ...addresses: string[]) => ({
  interfaces: [...hostNetwork().interfaces, { name, isUp: true, addresses }],
});

test('a host that differs in its links alone is not computed with again', async () => {
  await running();
  // The fixed rules are made anew with each host that counts.
  const { iptables } = agent.desired;
  await agent.host(withLink('veth1'));
  expect(agent.desired.iptables).toBe(iptables);
  await agent.host(withLink('veth1', '192.0.2.7/24'));
  expect(agent.desired.iptables).not.toBe(iptables);
});

test('an address that comes serves NodePorts, one that goes does not', async () => {
  await running();
  const before = nodePorts();
  await agent.host(withLink('eth1', '192.0.2.7/24'));
  await agent.until(() => nodePorts().includes('192.0.2.7:30080/TCP'));
  await agent.host();
  await agent.until(() => !nodePorts().includes('192.0.2.7:30080/TCP'));
  expect(nodePorts()).toEqual(before);
});

test('an address that becomes the default gateway is let go of, and taken when it is no longer one', async () => {
  await running();
  expect([...agent.kernel.state.addresses]).toContain(EXTERNAL);
  await agent.host({ defaultGateways: [EXTERNAL] });
  await agent.until(() => !agent.kernel.state.addresses.has(EXTERNAL));
  await agent.host();
  await agent.until(() => agent.kernel.state.addresses.has(EXTERNAL));
});

test('a family that goes takes its part along, one that comes is programmed whole', async () => {
  await running();
  const sixth = () => nodePorts().filter((key) => key.startsWith('['));
  const dual = rawService({
    type: 'NodePort',
    clusterIPs: ['10.96.0.10', 'fd00:96::10'],
    ports: [{ name: 'http', port: 80, nodePort: 30080 }],
  });
  agent.service(dual);
  await agent.until(() => sixth().length > 0);
  await agent.host({ families: ['IPv4'] });
  await agent.until(() => sixth().length === 0);
  await agent.host();
  await agent.until(() => sixth().length > 0);
});

test('a host that cannot be read again is told, and what was known of it stays', async () => {
  await running();
  const before = nodePorts();
  agent.hostError = new Error('EMFILE');
  await agent.host({ interfaces: [] });
  await agent.until(() => agent.log.lines.some((line) => line.includes('EMFILE')));
  expect(agent.log.lines.join('\n')).toContain(
    'error addresses of this node could not be read again: EMFILE',
  );
  expect(nodePorts()).toEqual(before);
  expect(agent.conditions.counts().get('HostUnread')).toBe(1);
  agent.hostError = undefined;
  await agent.host({ interfaces: [] });
  await agent.until(() => nodePorts().length === 0);
  expect(agent.conditions.counts().get('HostUnread')).toBe(0);
});

test('a changed Node that the configuration cannot hold on this host is told until it can', async () => {
  await running(['--cluster-cidr=fd00:10::/56']);
  const standing = () => agent.conditions.counts().get('NodeNotFitting');
  await agent.host({ families: ['IPv4'] });
  agent.node('node-1', { spec: { podCIDRs: ['10.244.1.0/24'] } });
  expect(standing()).toBe(1);
  expect(agent.log.lines.join('\n')).toContain(
    'error the changed Node does not fit the configuration; what was programmed stays: ',
  );
  await agent.host();
  agent.node('node-1', { spec: { podCIDRs: ['10.244.2.0/24'] } });
  expect(standing()).toBe(0);
});
